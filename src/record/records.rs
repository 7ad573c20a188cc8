//! Checked rows, back to back in one buffer.

/// A value's place in the buffer.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

const ABSENT: Span = Span {
    start: u32::MAX,
    end: u32::MAX,
};

impl Span {
    /// How many bytes it has; none where it is absent.
    fn length(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// Many records, each with a slot for every field of its format, for every
/// kept column, and for the row id.
#[derive(Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    heads: Vec<Head>,
    /// The publishers that rows name, row after row.
    named: Vec<u32>,
    fields: usize,
    slots: usize,
    /// Where the slots of the record in the making begin.
    base: usize,
    /// How many bytes its values have together.
    size: usize,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    record: u64,
    count: u64,
    layout: usize,
    bytes: usize,
    /// The key that signs it.
    key: u16,
    met: Met,
}

/// Which publishers a row meets: places in [`super::Publishers`], and in the
/// list of those that rows name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Met {
    /// There are none to meet: the row stands alone.
    #[default]
    Alone,
    /// All, so many.
    All(u32),
    /// Those it names, from here to there in the list.
    Named(u32, u32),
    /// All of so many but those it names.
    AllBut(u32, u32, u32),
    /// Those of one group, from here to there in the publishers' own list.
    Group(u32, u32),
}

impl Met {
    /// Whether the row meets nobody.
    pub(super) fn is_none(self) -> bool {
        match self {
            Self::Alone => false,
            Self::All(all) => all == 0,
            Self::Named(start, end) | Self::Group(start, end) => start == end,
            Self::AllBut(all, start, end) => all == end - start,
        }
    }
}

/// What a row becomes beside its values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finished {
    pub(super) layout: usize,
    pub(super) count: u64,
    pub(super) key: u16,
    pub(super) met: Met,
}

impl Records {
    /// Room for records of a format with this many fields and kept columns.
    fn new(fields: usize, kept: usize) -> Self {
        Self {
            fields,
            slots: fields + kept + 1,
            ..Self::default()
        }
    }

    /// Room for the records of a run.
    pub fn for_rules(rules: &super::Rules) -> Self {
        Self::new(rules.width(), rules.settings().keep.len())
    }

    /// Removes all records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.heads.clear();
        self.named.clear();
    }

    /// Makes room for the records of a run, in whatever memory there is.
    pub fn prepare(&mut self, rules: &super::Rules) {
        self.clear();
        let Self { fields, slots, .. } = Self::for_rules(rules);
        (self.fields, self.slots) = (fields, slots);
    }

    /// How many bytes of memory it holds on to.
    pub fn held(&self) -> usize {
        self.bytes.capacity()
            + self.spans.capacity() * size_of::<Span>()
            + self.heads.capacity() * size_of::<Head>()
            + self.named.capacity() * size_of::<u32>()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The record at this place.
    ///
    /// # Panics
    /// When there is none.
    pub fn get(&self, at: usize) -> Record<'_> {
        Record {
            head: self.heads[at],
            spans: &self.spans[at * self.slots..(at + 1) * self.slots],
            bytes: &self.bytes,
            named: &self.named,
            fields: self.fields,
            publisher: None,
        }
    }

    /// All records in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// Starts a record; until it is finished or dropped by
    /// [`Records::abandon`], values go into its slots.
    pub(super) fn start(&mut self) {
        self.base = self.heads.len() * self.slots;
        self.size = 0;
        self.spans.resize(self.base + self.slots, ABSENT);
    }

    /// Fills a field's slot with what `write` appends; a failed write leaves
    /// it absent.
    pub(super) fn write<E>(
        &mut self,
        slot: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        if let Err(error) = write(&mut self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        let span = Span {
            start: offset(start),
            end: offset(self.bytes.len()),
        };
        self.set(slot, span);
        Ok(())
    }

    /// Makes a slot absent again.
    pub(super) fn clear_slot(&mut self, slot: usize) {
        self.set(slot, ABSENT);
    }

    /// Lets a slot show the same bytes as another.
    pub(super) fn share(&mut self, slot: usize, other: usize) {
        self.set(slot, self.spans[self.base + other]);
    }

    fn set(&mut self, slot: usize, span: Span) {
        let before = std::mem::replace(&mut self.spans[self.base + slot], span);
        self.size = self.size + span.length() - before.length();
    }

    /// The bytes of a slot of the record in the making.
    pub(super) fn pending(&self, slot: usize) -> Option<&[u8]> {
        let span = self.spans[self.base + slot];
        read(&self.bytes, span)
    }

    pub(super) fn kept_slot(&self, at: usize) -> usize {
        self.fields + at
    }

    pub(super) fn row_id_slot(&self) -> usize {
        self.slots - 1
    }

    /// Finishes the record in the making.
    pub(super) fn finish(&mut self, record: u64, finished: Finished) {
        let Finished {
            layout,
            count,
            key,
            met,
        } = finished;
        self.heads.push(Head {
            record,
            count,
            layout,
            bytes: self.size,
            key,
            met,
        });
    }

    /// A part of the list of those that rows name.
    pub(super) fn listed(&self, start: u32, end: u32) -> &[u32] {
        &self.named[start as usize..end as usize]
    }

    /// Takes back the record that was finished last.
    pub fn take_back(&mut self) {
        self.heads.pop();
        self.spans.truncate(self.heads.len() * self.slots);
    }

    /// Writes down publishers that the record in the making names, each by its
    /// place; where they stand in the list.
    pub(super) fn name(&mut self, publishers: &[u32]) -> (u32, u32) {
        let start = offset(self.named.len());
        self.named.extend_from_slice(publishers);
        (start, offset(self.named.len()))
    }

    /// Drops the record in the making.
    pub(super) fn abandon(&mut self, bytes_before: usize) {
        self.bytes.truncate(bytes_before);
        self.spans.truncate(self.base);
    }

    pub(super) fn bytes_used(&self) -> usize {
        self.bytes.len()
    }
}

/// A batch of rows is far below 4 GiB; the greatest offset marks absence.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX - 1)
}

fn read(bytes: &[u8], span: Span) -> Option<&[u8]> {
    (span.start != u32::MAX).then(|| &bytes[span.start as usize..span.end as usize])
}

/// One checked row.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    head: Head,
    spans: &'a [Span],
    bytes: &'a [u8],
    named: &'a [u32],
    fields: usize,
    publisher: Option<Publisher<'a>>,
}

/// The publisher that a record meets.
#[derive(Clone, Copy, Debug)]
struct Publisher<'a> {
    at: u32,
    all: u32,
    spans: &'a [Span],
    bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// The row's number over all inputs, from 1.
    pub fn number(&self) -> u64 {
        self.head.record
    }

    /// The record's place over the whole product, from 1: the row's number, or
    /// that of the row and the publisher it meets, whichever others it meets.
    pub fn place(&self) -> u64 {
        match &self.publisher {
            None => self.head.record,
            Some(publisher) => {
                // Fits: a row has a byte at least, and publishers are few.
                (self.head.record - 1) * u64::from(publisher.all) + u64::from(publisher.at) + 1
            }
        }
    }

    /// The number of the publisher it meets, from 1.
    pub fn publisher(&self) -> Option<u64> {
        let publisher = self.publisher.as_ref()?;
        Some(u64::from(publisher.at) + 1)
    }

    /// The key that signs it, by its place among the run's keys.
    pub fn key(&self) -> u16 {
        self.head.key
    }

    /// How many publishers the row meets; 1 where it stands alone.
    pub fn meets(&self) -> u64 {
        match self.head.met {
            Met::Alone => 1,
            Met::All(all) => all.into(),
            Met::Named(start, end) | Met::Group(start, end) => (end - start).into(),
            Met::AllBut(all, start, end) => u64::from(all) - u64::from(end - start),
        }
    }

    /// The place among all publishers of the one it meets at `nth`, from 0.
    fn met(&self, nth: u64, all: &Records) -> u32 {
        // What is met is counted in 32 bits.
        let nth = nth as u32;
        match self.head.met {
            Met::Alone | Met::All(_) => nth,
            Met::Named(start, end) => self.named[start as usize..end as usize][nth as usize],
            Met::Group(start, end) => all.named[start as usize..end as usize][nth as usize],
            Met::AllBut(_, start, end) => {
                let but = &self.named[start as usize..end as usize];
                // They are in order: each that lies before it moves it on.
                but.iter().fold(nth, |at, &but| at + u32::from(but <= at))
            }
        }
    }

    /// The same record with the values of the publisher it meets at `nth`,
    /// from 0, out of all of them; `self` where it stands alone.
    #[must_use]
    pub fn with_publisher(mut self, nth: u64, all: Option<&'a Records>) -> Self {
        if let Some(all) = all {
            let at = self.met(nth, all);
            let record = all.get(at as usize);
            self.publisher = Some(Publisher {
                at,
                all: offset(all.len()),
                spans: record.spans,
                bytes: record.bytes,
            });
        }
        self
    }

    /// Where a slot's bytes are: in the row, or else with the publisher.
    #[inline(always)]
    fn find(&self, slot: usize) -> (Span, &'a [u8]) {
        let own = self.spans[slot];
        match &self.publisher {
            Some(publisher) if own.start == ABSENT.start => {
                (publisher.spans[slot], publisher.bytes)
            }
            _ => (own, self.bytes),
        }
    }

    /// How many signed records it becomes.
    pub fn count(&self) -> u64 {
        self.head.count
    }

    /// The place of its version in the format's layouts.
    pub fn layout(&self) -> usize {
        self.head.layout
    }

    /// How many bytes its values have together.
    pub fn size(&self) -> usize {
        self.head.bytes
    }

    /// The canonical text of a field, by its place in the format's fields.
    /// Absent are nonces to be derived and optional fields without a value.
    pub fn value(&self, field: usize) -> Option<&'a [u8]> {
        debug_assert!(field < self.fields);
        let (span, bytes) = self.find(field);
        read(bytes, span)
    }

    /// Appends a field's value, if there is one.
    #[inline]
    pub fn append(&self, field: usize, out: &mut Vec<u8>) {
        /// Most values are shorter. They are copied with what stands behind
        /// them, because a copy of known size needs no call.
        const FEW: usize = 32;
        let (span, bytes) = self.find(field);
        let behind = bytes.get(span.start as usize..).unwrap_or_default();
        match behind.first_chunk::<FEW>() {
            Some(few) if span.length() <= FEW => {
                let end = out.len() + span.length();
                out.extend_from_slice(few);
                out.truncate(end);
            }
            _ => out.extend_from_slice(&behind[..span.length()]),
        }
    }

    /// The same value as text.
    pub fn text(&self, field: usize) -> Option<&'a str> {
        // Only checked text gets into a record.
        self.value(field)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The JSON text of a kept column.
    pub fn kept(&self, at: usize) -> Option<&'a [u8]> {
        let (span, bytes) = self.find(self.fields + at);
        read(bytes, span)
    }

    /// The row id, where one was asked for.
    pub fn row_id(&self) -> Option<&'a [u8]> {
        read(self.bytes, self.spans[self.spans.len() - 1])
    }
}
