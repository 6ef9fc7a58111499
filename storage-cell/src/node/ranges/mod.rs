//! How the key space is cut into cells: splits by size and by load, merges, and telling the
//! metadata service of both.

mod load;
mod merge;
mod settle;
mod split;
mod tell;
