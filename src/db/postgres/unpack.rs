//! The rows of a binary COPY … TO STDOUT.
//!
//! Source of the format: PostgreSQL documentation, "COPY: Binary Format".

use super::copy::BINARY_HEADER;

/// Splits what arrives into rows. The server sends one message per row, but the protocol does not promise it.
#[derive(Debug, Default)]
pub(super) struct Unpacker {
    /// Bytes of a row whose end has not arrived.
    rest: Vec<u8>,
    /// Signature, flags and extension have been read.
    begun: bool,
    ended: bool,
}

/// The stream is not what the format says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Unpacker {
    /// Hands the fields of every whole row of a message to `on_field`, in order, `None` for null. Returns the number of
    /// rows.
    pub(super) fn take(
        &mut self,
        message: &[u8],
        mut on_field: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<usize, Malformed> {
        if self.rest.is_empty() {
            let (rows, used) = self.rows(message, &mut on_field)?;
            self.rest.extend_from_slice(&message[used..]);
            return Ok(rows);
        }
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(message);
        let (rows, used) = self.rows(&all, &mut on_field)?;
        all.drain(..used);
        self.rest = all;
        Ok(rows)
    }

    /// True if the stream has ended as it should.
    pub(super) fn is_whole(&self) -> bool {
        self.ended && self.rest.is_empty()
    }

    /// Reads whole rows from the front; returns their number and their bytes.
    fn rows(
        &mut self,
        bytes: &[u8],
        on_field: &mut impl FnMut(usize, Option<&[u8]>),
    ) -> Result<(usize, usize), Malformed> {
        let mut at = 0;
        if !self.begun {
            let fixed = BINARY_HEADER.len();
            let Some(header) = bytes.get(..fixed) else { return Ok((0, 0)) };
            // Flags may differ, and the extension may have a length.
            let extension = i32_at(header, fixed - 4).ok_or(Malformed)?;
            if header[..11] != BINARY_HEADER[..11] {
                return Err(Malformed);
            }
            let end = fixed + usize::try_from(extension).map_err(|_| Malformed)?;
            if bytes.len() < end {
                return Ok((0, 0));
            }
            at = end;
            self.begun = true;
        }
        let mut rows = 0;
        while at < bytes.len() && !self.ended {
            let Some(count) = bytes.get(at..at + 2) else { break };
            let count = i16::from_be_bytes([count[0], count[1]]);
            if count == -1 {
                self.ended = true;
                at += 2;
                break;
            }
            let Some(end) = end_of_row(bytes, at + 2, count)? else { break };
            let mut field = at + 2;
            for index in 0..usize::try_from(count).map_err(|_| Malformed)? {
                let length = i32_at(bytes, field).ok_or(Malformed)?;
                field += 4;
                match usize::try_from(length) {
                    Ok(length) => {
                        on_field(index, Some(&bytes[field..field + length]));
                        field += length;
                    }
                    Err(_) => on_field(index, None),
                }
            }
            at = end;
            rows += 1;
        }
        Ok((rows, at))
    }
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..at + 4)?.try_into().ok().map(i32::from_be_bytes)
}

/// Where a row of so many fields ends; `None` if that has not arrived.
fn end_of_row(bytes: &[u8], mut at: usize, fields: i16) -> Result<Option<usize>, Malformed> {
    if fields < 0 {
        return Err(Malformed);
    }
    for _ in 0..fields {
        let Some(length) = i32_at(bytes, at) else { return Ok(None) };
        at += 4;
        match usize::try_from(length) {
            Ok(length) => at += length,
            Err(_) if length == -1 => {}
            Err(_) => return Err(Malformed),
        }
    }
    Ok((at <= bytes.len()).then_some(at))
}

#[cfg(test)]
mod tests {
    use super::{Malformed, Unpacker};
    use crate::db::postgres::copy::{BINARY_HEADER, BINARY_TRAILER};

    fn stream() -> Vec<u8> {
        let row = [0, 2, 0, 0, 0, 1, b'a', 0xff, 0xff, 0xff, 0xff];
        [BINARY_HEADER, &row, &row, BINARY_TRAILER].concat()
    }

    #[test]
    fn rows_are_the_same_however_the_stream_is_cut() {
        let stream = stream();
        for size in 1..=stream.len() {
            let mut unpacker = Unpacker::default();
            let mut fields = Vec::new();
            let mut rows = 0;
            for message in stream.chunks(size) {
                let on_field = |index, field: Option<&[u8]>| fields.push((index, field.map(<[u8]>::to_vec)));
                rows += unpacker.take(message, on_field).unwrap();
            }
            assert!(unpacker.is_whole());
            assert_eq!(rows, 2);
            assert_eq!(fields, [(0, Some(b"a".to_vec())), (1, None), (0, Some(b"a".to_vec())), (1, None)]);
        }
    }

    #[test]
    fn a_stream_that_breaks_off_is_not_whole_and_another_format_is_refused() {
        let mut unpacker = Unpacker::default();
        let stream = stream();
        assert_eq!(unpacker.take(&stream[..stream.len() - 2], |_, _| ()), Ok(2));
        assert!(!unpacker.is_whole());
        assert_eq!(Unpacker::default().take(&[b'x'; 30], |_, _| ()), Err(Malformed));
    }
}
