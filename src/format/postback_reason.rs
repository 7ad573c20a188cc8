//! What can be said against a postback, as stable codes. Like those of rows
//! they never change their meaning and are never reused.

/// What a postback is, once it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judgement {
    /// Signed by a key that is meant to, every signed field as it was.
    Valid,
    /// Nobody can tell here: its version or its key is not known.
    Unverified,
    /// It is a postback, and not as it was signed, if it ever was.
    Invalid,
    /// It is no postback, or is wrapped in something.
    Unreadable,
}

impl Judgement {
    /// Every one, in the order of a summary.
    pub const ALL: &'static [Self] = &[
        Self::Valid,
        Self::Unverified,
        Self::Invalid,
        Self::Unreadable,
    ];

    /// The word for it in verdicts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unreadable => "unreadable",
            Self::Unverified => "unverified",
            Self::Valid => "valid",
        }
    }
}

macro_rules! reasons {
    ($($judgement:ident: $(#[doc = $doc:literal] $variant:ident = $code:literal,)+)+) => {
        /// Why a postback is not valid.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Reason { $($(#[doc = $doc] $variant,)+)+ }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            /// The code, as verdicts and schemas spell it.
            pub fn as_str(self) -> &'static str {
                match self { $($(Self::$variant => $code,)+)+ }
            }

            /// What the code means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $($(Self::$variant => $doc.trim_ascii(),)+)+ }
            }

            /// What a postback is for this reason, if for no worse one.
            pub fn judgement(self) -> Judgement {
                match self { $($(Self::$variant => Judgement::$judgement,)+)+ }
            }
        }
    };
}

reasons! {
    Unverified:
    /// The key id is none of Apple's known ones.
    UnknownKey = "unknown_key",
    /// The version is not known.
    UnknownVersion = "unknown_version",
    /// The version is known, and its signatures cannot be verified here.
    UnsupportedVersion = "unsupported_version",

    Invalid:
    /// The token's payload is no JSON object.
    BadClaims = "bad_claims",
    /// The token's header is not what Apple writes.
    BadHeader = "bad_header",
    /// The value is not in the form that is signed.
    BadValue = "bad_value",
    /// Two fields exclude each other.
    Conflict = "conflict",
    /// A field that is always signed is absent.
    Missing = "missing",
    /// The token is no compact JWS.
    NotAToken = "not_a_token",
    /// It is signed by another key than one for production, which alone was asked for.
    NotProduction = "not_production",
    /// The signature is not encoded as Apple encodes it.
    SignatureEncoding = "signature_encoding",
    /// The signature is not in the form that Apple uses.
    SignatureForm = "signature_form",
    /// The signature is right under another key than the one it should be of.
    WrongKey = "wrong_key",
    /// The signature is right under no known key.
    WrongSignature = "wrong_signature",
    /// The JSON value is of another type.
    WrongType = "wrong_type",

    Unreadable:
    /// The line is not valid JSON.
    BadJson = "bad_json",
    /// One name stands twice in an object.
    DuplicateMember = "duplicate_member",
    /// The postback is wrapped in something else.
    Enveloped = "enveloped",
    /// The line is encoded as a form or a URL.
    FormEncoded = "form_encoded",
    /// The line is not UTF-8.
    InvalidUtf8 = "invalid_utf8",
    /// The line is JSON, and no object.
    NotAnObject = "not_an_object",
    /// The object has no member that postbacks have.
    NotAPostback = "not_a_postback",
    /// The line is longer than the limit.
    RowTooLong = "row_too_long",
    /// JSON is nested too deep.
    TooDeep = "too_deep",
    /// The object is a postback of two kinds at once.
    TwoPostbacks = "two_postbacks",
}
