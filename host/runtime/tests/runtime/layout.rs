//! Values as the component model lays them into a guest's memory.

/// A value of the interface.
#[derive(Clone)]
pub enum Value {
    U8(u8),
    U32(u32),
    Str(String),
    List(Vec<Value>),
    /// A list or text that claims to be at this address and of this length.
    RawSlice(u32, u32),
    Record(Vec<Value>),
    /// Case of a variant, option or result, whose payloads take at most so many bytes, aligned to four.
    Variant(u8, Box<Value>, usize),
}

use Value::{List, RawSlice, Record, Str, U8, U32, Variant};

pub fn str_value(text: &str) -> Value {
    Str(text.to_owned())
}

pub fn none(size: usize) -> Value {
    Variant(0, Box::new(Record(Vec::new())), size)
}

impl Value {
    fn align(&self) -> usize {
        match self {
            U8(_) => 1,
            U32(_) | Str(_) | List(_) | RawSlice(..) | Variant(..) => 4,
            Record(fields) => fields.iter().map(Self::align).max().unwrap_or(1),
        }
    }

    fn size(&self) -> usize {
        match self {
            U8(_) => 1,
            U32(_) => 4,
            Str(_) | List(_) | RawSlice(..) => 8,
            Record(fields) => {
                let end = fields
                    .iter()
                    .fold(0_usize, |at, field| at.next_multiple_of(field.align()) + field.size());
                end.next_multiple_of(self.align())
            }
            Variant(_, _, size) => 4 + size,
        }
    }
}

/// Memory of a guest, filled from `base` on.
pub struct GuestMemory {
    base: usize,
    pub bytes: Vec<u8>,
}

impl GuestMemory {
    pub fn new(base: usize) -> Self {
        Self { base, bytes: Vec::new() }
    }

    /// Lays out a value and returns its address.
    pub fn write_value(&mut self, value: &Value) -> u32 {
        let at = self.reserve(value.size());
        self.write_at(at, value);
        self.address(at)
    }

    fn reserve(&mut self, size: usize) -> usize {
        let at = self.bytes.len().next_multiple_of(8);
        self.bytes.resize(at + size, 0);
        at
    }

    fn address(&self, at: usize) -> u32 {
        u32::try_from(self.base + at).unwrap()
    }

    fn write_at(&mut self, at: usize, value: &Value) {
        match value {
            U8(byte) => self.bytes[at] = *byte,
            U32(word) => self.bytes[at..at + 4].copy_from_slice(&word.to_le_bytes()),
            Str(text) => {
                let place = self.reserve(text.len());
                self.bytes[place..place + text.len()].copy_from_slice(text.as_bytes());
                self.write_slice(at, self.address(place), text.len());
            }
            List(items) => {
                let size = items.first().map_or(0, Self::size_of);
                let place = self.reserve(size * items.len());
                for (index, item) in items.iter().enumerate() {
                    self.write_at(place + index * size, item);
                }
                self.write_slice(at, self.address(place), items.len());
            }
            RawSlice(address, length) => self.write_slice(at, *address, *length as usize),
            Record(fields) => {
                let mut place = at;
                for field in fields {
                    place = place.next_multiple_of(field.align());
                    self.write_at(place, field);
                    place += field.size();
                }
            }
            Variant(tag, payload, _) => {
                self.bytes[at] = *tag;
                self.write_at(at + 4, payload);
            }
        }
    }

    fn size_of(value: &Value) -> usize {
        value.size()
    }

    fn write_slice(&mut self, at: usize, address: u32, length: usize) {
        self.write_at(at, &U32(address));
        self.write_at(at + 4, &U32(u32::try_from(length).unwrap()));
    }
}
