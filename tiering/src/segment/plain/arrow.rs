//! Between [`Plain`] and Arrow arrays.

use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, Date32Builder, Float32Builder, Float64Builder,
    Int8Builder, Int16Builder, Int32Builder, Int64Builder, ListBuilder, MapBuilder, StringBuilder,
    StructBuilder, Time64NanosecondBuilder, TimestampMillisecondBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time64NanosecondType, TimestampMillisecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;

use super::Plain;
use crate::segment::SegmentError;

/// A builder whose kind is known only when running.
type AnyBuilder = Box<dyn ArrayBuilder>;

const WRONG_BUILDER: SegmentError = SegmentError::Internal { reason: "builder of another type" };

/// Appends what is in `$value` if it is a `$variant`, else null.
macro_rules! scalar {
    ($builder:expr, $kind:ty, $variant:ident, $value:expr) => {{
        let builder = cast::<$kind>($builder)?;
        match $value {
            Some(Plain::$variant(value)) => builder.append_value(value),
            _ => builder.append_null(),
        }
    }};
}

/// Appends a value, or null, to a builder made for `data_type`.
pub(in crate::segment) fn append(
    builder: &mut AnyBuilder,
    data_type: &DataType,
    value: Option<Plain>,
) -> Result<(), SegmentError> {
    match data_type {
        DataType::Boolean => scalar!(builder, BooleanBuilder, Boolean, value),
        DataType::Int8 => scalar!(builder, Int8Builder, Int8, value),
        DataType::Int16 => scalar!(builder, Int16Builder, Int16, value),
        DataType::Int32 => scalar!(builder, Int32Builder, Int32, value),
        DataType::Int64 => scalar!(builder, Int64Builder, Int64, value),
        DataType::Float32 => scalar!(builder, Float32Builder, Float32, value),
        DataType::Float64 => scalar!(builder, Float64Builder, Float64, value),
        DataType::Date32 => scalar!(builder, Date32Builder, Int32, value),
        DataType::Time64(_) => scalar!(builder, Time64NanosecondBuilder, Int64, value),
        DataType::Timestamp(..) => scalar!(builder, TimestampMillisecondBuilder, Int64, value),
        DataType::Utf8 => scalar!(builder, StringBuilder, Text, value),
        DataType::Binary => scalar!(builder, BinaryBuilder, Binary, value),
        _ => append_nested(builder, data_type, value)?,
    }
    Ok(())
}

fn append_nested(
    builder: &mut AnyBuilder,
    data_type: &DataType,
    value: Option<Plain>,
) -> Result<(), SegmentError> {
    match data_type {
        DataType::List(field) => {
            let list = cast::<ListBuilder<AnyBuilder>>(builder)?;
            let Some(Plain::List(parts)) = value else {
                list.append(false);
                return Ok(());
            };
            for part in parts {
                append(list.values(), field.data_type(), Some(part))?;
            }
            list.append(true);
        }
        DataType::Map(entry, _) => {
            let map = cast::<MapBuilder<AnyBuilder, AnyBuilder>>(builder)?;
            let (DataType::Struct(fields), Some(Plain::Map(entries))) = (entry.data_type(), value)
            else {
                return Ok(map.append(false)?);
            };
            let [key_field, value_field] = fields.as_ref() else { return Err(WRONG_BUILDER) };
            for (key, value) in entries {
                append(map.keys(), key_field.data_type(), Some(key))?;
                append(map.values(), value_field.data_type(), Some(value))?;
            }
            map.append(true)?;
        }
        DataType::Struct(fields) => {
            let whole = cast::<StructBuilder>(builder)?;
            let (parts, is_there) = match value {
                Some(Plain::Struct(parts)) => (parts, true),
                _ => (Vec::new(), false),
            };
            let mut parts = parts.into_iter();
            for (part, field) in whole.field_builders_mut().iter_mut().zip(fields) {
                append(part, field.data_type(), parts.next().flatten())?;
            }
            whole.append(is_there);
        }
        _ => return Err(WRONG_BUILDER),
    }
    Ok(())
}

fn cast<T: ArrayBuilder>(builder: &mut AnyBuilder) -> Result<&mut T, SegmentError> {
    builder.as_any_mut().downcast_mut::<T>().ok_or(WRONG_BUILDER)
}

/// The value at `index`; `None` for null and for what is no value of a segment.
pub(in crate::segment) fn read(array: &ArrayRef, index: usize) -> Option<Plain> {
    if index >= array.len() || array.is_null(index) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => Plain::Boolean(array.as_boolean_opt()?.value(index)),
        DataType::Int8 => Plain::Int8(number::<Int8Type>(array, index)?),
        DataType::Int16 => Plain::Int16(number::<Int16Type>(array, index)?),
        DataType::Int32 => Plain::Int32(number::<Int32Type>(array, index)?),
        DataType::Int64 => Plain::Int64(number::<Int64Type>(array, index)?),
        DataType::Float32 => Plain::Float32(number::<Float32Type>(array, index)?),
        DataType::Float64 => Plain::Float64(number::<Float64Type>(array, index)?),
        DataType::Date32 => Plain::Int32(number::<Date32Type>(array, index)?),
        DataType::Time64(TimeUnit::Nanosecond) => {
            Plain::Int64(number::<Time64NanosecondType>(array, index)?)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Plain::Int64(number::<TimestampMillisecondType>(array, index)?)
        }
        DataType::Utf8 => Plain::Text(array.as_string_opt::<i32>()?.value(index).to_owned()),
        DataType::Binary => {
            Plain::Binary(Bytes::copy_from_slice(array.as_binary_opt::<i32>()?.value(index)))
        }
        DataType::List(_) => {
            let parts = array.as_list_opt::<i32>()?.value(index);
            Plain::List((0..parts.len()).map(|at| read(&parts, at)).collect::<Option<_>>()?)
        }
        DataType::Map(..) => {
            let entries = array.as_map_opt()?.value(index);
            let [keys, values] = entries.columns() else { return None };
            let entry = |at| Some((read(keys, at)?, read(values, at)?));
            Plain::Map((0..entries.len()).map(entry).collect::<Option<_>>()?)
        }
        DataType::Struct(_) => {
            let parts = array.as_struct_opt()?;
            Plain::Struct(parts.columns().iter().map(|part| read(part, index)).collect())
        }
        _ => return None,
    })
}

fn number<T: ArrowPrimitiveType>(array: &ArrayRef, index: usize) -> Option<T::Native> {
    Some(array.as_primitive_opt::<T>()?.value(index))
}
