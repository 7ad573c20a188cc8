//! What can be wrong with a signature: every kind of mistake with its code,
//! its words, what mends it, and where the rule is written. It must not know
//! how a mistake is found.

use std::fmt;

use crate::format::Format;

/// A kind of mistake. `{field}` and `{detail}` in its words are filled in.
#[derive(Debug)]
pub struct Kind {
    /// The stable code.
    pub code: &'static str,
    /// Under what the signature is valid: the words after "valid if".
    when: &'static str,
    /// What to change where signatures are made.
    fix: &'static str,
    /// What stands in the record while something else was signed: what to
    /// change where records are written.
    rewrite: &'static str,
    rule: Rule,
    /// Which system is to be changed where the signer's side is wrong.
    system: System,
}

/// The system in which a mistake is made, and mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Where keys are given out and configured.
    Keys,
    /// Where records are written from what was signed.
    Records,
    /// Where messages are made and signed.
    Signer,
    /// Between the signer and who checks.
    Way,
}

impl System {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Records => "records",
            Self::Signer => "signer",
            Self::Way => "way",
        }
    }

    /// Where that is, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Keys => "where keys are kept",
            Self::Records => "where the record is written",
            Self::Signer => "in the signer",
            Self::Way => "on the way",
        }
    }
}

impl Kind {
    /// The same, made in another system than the signer.
    const fn made(mut self, system: System) -> Self {
        self.system = system;
        self
    }

    /// The words after "valid if", and what to change; `{field}` and
    /// `{detail}` stand for what differs from case to case.
    pub fn words(&self) -> [&'static str; 2] {
        [self.when, self.fix]
    }
}

/// Where the rule is written that a mistake breaks.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// On the format's own page.
    Page,
    /// Elsewhere.
    Text(&'static str),
}

/// On which side of the signature the mistake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// What was signed is not what the documents want; the record is as they
    /// want it.
    Signed,
    /// What was signed is what the documents want; the record shows something
    /// else.
    Shown,
    /// What was signed stands in the record just so, and the documents want
    /// it otherwise: the device rebuilds another message.
    Both,
}

impl Side {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Shown => "shown",
            Self::Signed => "signed",
        }
    }
}

/// One mistake: its kind, and what it is about.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// Its kind.
    pub kind: &'static Kind,
    /// The field it is about; empty where it is about none.
    pub field: String,
    /// What makes it right, in the words that its kind wants.
    pub detail: String,
    /// On which side it is.
    pub side: Side,
}

impl PartialEq for Mistake {
    fn eq(&self, other: &Self) -> bool {
        let same = (&self.field, &self.detail, self.side);
        self.kind.code == other.kind.code && same == (&other.field, &other.detail, other.side)
    }
}

impl Mistake {
    /// A mistake of a signer.
    pub(super) fn new(
        kind: &'static Kind,
        field: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            field: field.into(),
            detail: detail.into(),
            side: Side::Signed,
        }
    }

    /// The same on another side.
    pub(super) fn on(mut self, side: Side) -> Self {
        self.side = side;
        self
    }

    /// What mends it, and in which place.
    pub fn fix(&self) -> String {
        let words = match self.side {
            Side::Shown => self.kind.rewrite,
            Side::Both | Side::Signed => self.kind.fix,
        };
        self.fill(words)
    }

    /// The system in which it is made.
    pub fn system(&self) -> System {
        match self.side {
            Side::Shown => System::Records,
            Side::Both | Side::Signed => self.kind.system,
        }
    }

    /// Where the rule is written.
    pub fn source(&self, format: Option<&Format>) -> String {
        match (self.kind.rule, format) {
            (Rule::Page, Some(format)) => format.sources.first().copied().unwrap_or_default(),
            (Rule::Page, None) => "RFC 7515, section 5.2",
            (Rule::Text(text), _) => text,
        }
        .to_owned()
    }

    fn fill(&self, words: &str) -> String {
        words
            .replace("{field}", &self.field)
            .replace("{detail}", &self.detail)
    }
}

impl fmt::Display for Mistake {
    /// The words after "valid if".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fill(self.kind.when))
    }
}

const AS_SIGNED: &str = "write {field} as it was signed";

const fn of_field(code: &'static str, when: &'static str, fix: &'static str) -> Kind {
    Kind {
        code,
        when,
        fix,
        rewrite: AS_SIGNED,
        rule: Rule::Page,
        system: System::Signer,
    }
}

const fn of_all(
    code: &'static str,
    when: &'static str,
    fix: &'static str,
    rule: &'static str,
) -> Kind {
    Kind {
        code,
        when,
        fix,
        rewrite: fix,
        rule: Rule::Text(rule),
        system: System::Signer,
    }
}

/// Defines the kinds and the list of all of them.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $kind:expr;)*) => {
        $($(#[$doc])* pub(super) static $name: Kind = $kind;)*

        /// Every kind of mistake that is searched.
        pub static KINDS: &[&Kind] = &[$(&$name),*];
    };
}

const JOINED: &str = "Apple, StoreKit: the values are joined with U+2063 INVISIBLE SEPARATOR";
const DER: &str = "Apple, StoreKit: the signature is DER, in base64 (RFC 4648, section 4)";
const RAW: &str = "RFC 7518, section 3.4: r and s, 32 bytes each";
const INPUT: &str = "RFC 7515, section 5.1: the ASCII text of the first two parts as they are sent";
const URL: &str = "RFC 7515, section 2: base64url without padding";
const SECRET_TEXT: &str = "RFC 7518, section 3.2; the secret is the token's text, not decoded";

kinds! {
    LETTER_CASE = of_field("letter_case", "{field} were in {detail}",
        "write {field} in lower case before the message is made and signed");
    TIME_UNIT = of_field("time_unit", "{field} were in {detail}",
        "sign {field} in the documented unit, the same number that the record carries");
    COUNTERPART = of_field("counterpart", "{field} were the {detail}",
        "sign the {field} of the record's version, not what other versions have in its place");
    VERSION_TEXT = of_field("version_text", "{field} were written {detail}",
        "sign the version's text exactly as it is passed to the device");
    AS_VERSION = of_field("as_version", "it were signed as version {detail}",
        "sign and pass on the same version");
    FIELD_ORDER = of_field("field_order", "the values were joined in the order of version {detail}",
        "join the values in the order of the record's own version");
    SWAPPED = of_field("swapped", "{field} and {detail} changed places",
        "join the values in the documented order");
    FIELD_MISSING = of_field("field_missing", "{field} were left out",
        "sign {field}, too");
    FIELD_ADDED = of_field("field_added", "{field} {detail} were signed, too",
        "leave {field} out: this version does not sign it");
    FIELD_EMPTY = of_field("field_empty", "{field} were empty",
        "fill {field} before signing; refuse rows that have none");
    CONSTANT = of_field("constant", "{field} were {detail}",
        "sign the {field} of the way in which the ad is shown");
    ZERO = of_field("zero", "{field} were 0",
        "sign the real {field}; 0 is for development builds");
    NULL_WORD = of_field("null_word", "{field} were the text {detail}",
        "a missing {field} became text where the message is made: fill it or refuse the row");
    SPACES = of_field("spaces", "{field} had {detail}",
        "trim {field} before it is signed");
    DECIMAL = of_field("decimal", "{field} were written {detail}",
        "write {field} as plain digits: it went through a floating-point number");
    EXPONENT = of_field("exponent", "{field} were written {detail}",
        "write {field} as plain digits: it went through a floating-point number");
    LEADING_ZERO = of_field("leading_zero", "{field} were written {detail}",
        "write {field} without leading zeros");
    THOUSANDS = of_field("thousands", "{field} were written {detail}",
        "write {field} without separators: a formatter of numbers wrote it");
    QUOTED = of_field("quoted", "{field} stood in quotation marks",
        "sign the text of {field}, not its JSON");
    WRAPPED = of_field("wrapped", "{field} were written {detail}",
        "unwrap the optional before it becomes text");
    BITS = of_field("bits", "{field} were {detail}",
        "read {field} as 64 bits: it was cut to 32");
    DASHES = of_field("uuid_form", "{field} were written {detail}",
        "write {field} as 8-4-4-4-12 hexadecimal digits");
    ESCAPED = of_field("escaped", "{field} were written {detail}",
        "sign {field} as it is, not as a URL has it");
    UNREADABLE = of_field("unreadable", "{field} were {detail}",
        "write {field} as the format wants it: {detail}");
    JSON_TYPE = Kind {
        code: "json_type",
        when: "{field} were {detail}",
        fix: "write {field} in its documented JSON type",
        rewrite: "write {field} as {detail}; its text was signed right",
        rule: Rule::Page,
        system: System::Signer,
    };
    NULL_CLAIM = of_field("null_claim", "{field} were {detail}",
        "leave an absent {field} out of the payload, and do not change the payload after signing").made(System::Way);
    NOT_IN_TOKEN = of_field("record_differs", "{field} were {detail}",
        "write the record from the claims that were signed");

    SEPARATOR = of_all("separator", "the values were joined with {detail}",
        "join the values with U+2063, the bytes e2 81 a3", JOINED);
    SEPARATOR_OUTSIDE = of_all("separator_outside", "a separator stood {detail}",
        "write U+2063 between the values only", JOINED);
    MESSAGE_END = of_all("message_end", "{detail}",
        "sign the bytes of the message and nothing else", JOINED);
    MESSAGE_FORM = of_all("message_form", "{detail}",
        "sign the UTF-8 bytes of the message themselves", JOINED);
    DIGEST = of_all("digest", "{detail}",
        "sign with ECDSA over SHA-256, hashed once", "FIPS 186-5, section 6.4; RFC 7518, section 3.4");

    OTHER_KEY = of_all("other_key", "it were checked under {detail}",
        "check it with the key that signed it, or sign with the key that is registered",
        "each signature is checked with the public half of the key that made it").made(System::Keys);
    WRONG_SIDE = of_all("wrong_side", "it were checked under the signer's own key: {detail}",
        "give the public half of the key that signs; Apple's keys sign postbacks, and \
         `campaign-signer verify-postback` has them built in",
        "Apple, StoreKit: Ad network install-validation keys").made(System::Keys);
    SECRET = of_all("secret", "the secret were {detail}",
        "use the bytes of the secret's text as they are", SECRET_TEXT).made(System::Keys);

    RAW_FOR_DER = of_all("raw_for_der", "the signature were DER: it is r and s, 64 bytes",
        "encode the signature as DER: SEQUENCE { r INTEGER, s INTEGER }", DER);
    DER_FOR_RAW = of_all("der_for_raw", "the signature were r and s, 64 bytes: it is DER",
        "convert DER to r and s, each padded to 32 bytes on the left", RAW);
    LOOSE_DER = of_all("loose_der", "the signature were canonical DER: {detail}",
        "encode r and s as shortest integers, with one zero byte before a first bit that is set", DER);
    HALVES = of_all("halves", "{detail}",
        "write r, then s, each as 32 bytes with the most significant one first", RAW);
    BASE64URL = of_all("base64url", "the {field} were in standard base64: it is in base64url",
        "encode with the alphabet of RFC 4648, section 4, + and /", DER);
    BASE64_STANDARD = of_all("base64_standard", "the {field} were in base64url: it is in standard base64",
        "encode with the alphabet of RFC 4648, section 5, - and _", URL);
    NO_PADDING = of_all("padding_missing", "the {field} had its padding",
        "keep the = at the end of base64", DER);
    PADDING = of_all("padding", "the {field} had no padding",
        "leave the = at the end of base64url out", URL);
    TWICE = of_all("base64_twice", "the {field} were encoded once: it is in base64 {detail}",
        "encode once: what encodes on the way gets bytes, not text",
        "RFC 4648: the decoder gives the bytes, not text").made(System::Way);
    TRAILING_BITS = of_all("trailing_bits", "the {field} ended as base64 must: its last character was changed",
        "encode the bytes anew: the bits behind the last byte are zero", "RFC 4648, section 3.5").made(System::Way);
    LINE_BREAKS = of_all("line_breaks", "the {field} stood on one line: there is {detail} in it",
        "encode without line breaks and white space", "RFC 4648, section 3.1").made(System::Way);
    HEX = of_all("hex", "the {field} were in base64: it is in hexadecimal",
        "encode the bytes with base64", DER);
    AROUND = of_all("around", "the {field} stood alone: around it stands {detail}",
        "pass on the bare text", "RFC 7515, section 7.1").made(System::Way);

    REENCODED = of_all("reencoded", "the {field} had {detail}",
        "send the parts that were signed; never decode, change and encode them again", INPUT).made(System::Way);
    MEMBER_ORDER = of_all("member_order", "the members of the {field} stood {detail}",
        "send the parts that were signed; never encode them again", INPUT).made(System::Way);
    TYP = of_all("typ", "the header {detail}",
        "send the header that was signed", INPUT).made(System::Way);
    SIGNING_INPUT = of_all("signing_input", "{detail}",
        "sign the text of header and payload as they are sent, with the dot between them", INPUT);
}
