//! The kinds of mistakes, each with its stable code.

use super::Severity;

/// The kind of a mistake. Its code is stable: people search for it, and programs filter by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is explained in `explain` and by `guichet explain`")]
pub enum Id {
    Syntax,
    Encoding,
    Unreadable,
    TooLarge,
    UnknownKey,
    WrongType,
    MissingUnit,
    MissingKey,
    SetTwice,
    Include,
    Version,
    BadValue,
    UnknownWord,
    OutOfRange,
    UnknownName,
    UnknownCode,
    MissingVariable,
    BadVariable,
    Conflict,
    Incomplete,
    TakenAddress,
    Catalogue,
    NoListener,
    NoTarget,
    TwoTargets,
    BadMatch,
    BadHost,
    Unreachable,
    UnknownCapture,
    UnknownParameter,
    BadRewrite,
    BadRespond,
    TakenName,
    TwoIdentifiers,
    BadParameter,
    BadBody,
    BadDocument,
    MissingFile,
    MissingSecret,
    BadSecret,
    BadCallers,
    LaterKey,
    LaterWord,
    BadCall,
    BadExpression,
    UnknownMember,
    MayNotExist,
    FlowType,
    FlowCycle,
    Unreached,
    BadGroup,
    BadOutlet,
    Unused,
    NothingIncluded,
    NoEffect,
    Exposed,
    NothingServed,
    Overtaken,
    Unenforced,
}

impl Id {
    /// Every id, in the order of the codes.
    pub const ALL: &'static [Self] = &[
        Self::Syntax,
        Self::Encoding,
        Self::Unreadable,
        Self::TooLarge,
        Self::UnknownKey,
        Self::WrongType,
        Self::MissingUnit,
        Self::MissingKey,
        Self::SetTwice,
        Self::Include,
        Self::Version,
        Self::BadValue,
        Self::UnknownWord,
        Self::OutOfRange,
        Self::UnknownName,
        Self::UnknownCode,
        Self::MissingVariable,
        Self::BadVariable,
        Self::Conflict,
        Self::Incomplete,
        Self::TakenAddress,
        Self::Catalogue,
        Self::NoListener,
        Self::NoTarget,
        Self::TwoTargets,
        Self::BadMatch,
        Self::BadHost,
        Self::Unreachable,
        Self::UnknownCapture,
        Self::UnknownParameter,
        Self::BadRewrite,
        Self::BadRespond,
        Self::TakenName,
        Self::TwoIdentifiers,
        Self::BadParameter,
        Self::BadBody,
        Self::BadDocument,
        Self::MissingFile,
        Self::MissingSecret,
        Self::BadSecret,
        Self::BadCallers,
        Self::LaterKey,
        Self::LaterWord,
        Self::BadCall,
        Self::BadExpression,
        Self::UnknownMember,
        Self::MayNotExist,
        Self::FlowType,
        Self::FlowCycle,
        Self::Unreached,
        Self::BadGroup,
        Self::BadOutlet,
        Self::Unused,
        Self::NothingIncluded,
        Self::NoEffect,
        Self::Exposed,
        Self::NothingServed,
        Self::Overtaken,
        Self::Unenforced,
    ];

    /// The stable code: `G00` syntax, `G01` keys and types, `G02` values and references, `G03`
    /// routes, `G04` files and secrets, `G05` later features, `G06` flows, `G09` what refuses no file.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "G0001",
            Self::Encoding => "G0002",
            Self::Unreadable => "G0003",
            Self::TooLarge => "G0004",
            Self::UnknownKey => "G0101",
            Self::WrongType => "G0102",
            Self::MissingUnit => "G0103",
            Self::MissingKey => "G0104",
            Self::SetTwice => "G0105",
            Self::Include => "G0106",
            Self::Version => "G0107",
            Self::BadValue => "G0201",
            Self::UnknownWord => "G0202",
            Self::OutOfRange => "G0203",
            Self::UnknownName => "G0204",
            Self::UnknownCode => "G0205",
            Self::MissingVariable => "G0206",
            Self::BadVariable => "G0207",
            Self::Conflict => "G0208",
            Self::Incomplete => "G0209",
            Self::TakenAddress => "G0210",
            Self::Catalogue => "G0211",
            Self::NoListener => "G0212",
            Self::NoTarget => "G0301",
            Self::TwoTargets => "G0302",
            Self::BadMatch => "G0303",
            Self::BadHost => "G0304",
            Self::Unreachable => "G0305",
            Self::UnknownCapture => "G0306",
            Self::UnknownParameter => "G0307",
            Self::BadRewrite => "G0308",
            Self::BadRespond => "G0309",
            Self::TakenName => "G0310",
            Self::TwoIdentifiers => "G0311",
            Self::BadParameter => "G0312",
            Self::BadBody => "G0313",
            Self::BadDocument => "G0314",
            Self::MissingFile => "G0401",
            Self::MissingSecret => "G0402",
            Self::BadSecret => "G0403",
            Self::BadCallers => "G0404",
            Self::LaterKey => "G0501",
            Self::LaterWord => "G0502",
            Self::BadCall => "G0601",
            Self::BadExpression => "G0602",
            Self::UnknownMember => "G0603",
            Self::MayNotExist => "G0604",
            Self::FlowType => "G0605",
            Self::FlowCycle => "G0606",
            Self::Unreached => "G0607",
            Self::BadGroup => "G0608",
            Self::BadOutlet => "G0609",
            Self::Unused => "G0901",
            Self::NothingIncluded => "G0902",
            Self::NoEffect => "G0903",
            Self::Exposed => "G0904",
            Self::NothingServed => "G0905",
            Self::Overtaken => "G0906",
            Self::Unenforced => "G0907",
        }
    }

    /// The id with this code, in any case.
    pub fn by_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| id.code().eq_ignore_ascii_case(code))
    }

    /// Whether a file with this mistake is refused.
    pub const fn severity(self) -> Severity {
        match self {
            Self::MissingFile
            | Self::MissingSecret
            | Self::Unused
            | Self::NothingIncluded
            | Self::NoEffect
            | Self::Exposed
            | Self::NothingServed
            | Self::Overtaken => Severity::Warning,
            Self::Unenforced => Severity::Note,
            Self::Syntax
            | Self::Encoding
            | Self::Unreadable
            | Self::TooLarge
            | Self::UnknownKey
            | Self::WrongType
            | Self::MissingUnit
            | Self::MissingKey
            | Self::SetTwice
            | Self::Include
            | Self::Version
            | Self::BadValue
            | Self::UnknownWord
            | Self::OutOfRange
            | Self::UnknownName
            | Self::UnknownCode
            | Self::MissingVariable
            | Self::BadVariable
            | Self::Conflict
            | Self::Incomplete
            | Self::TakenAddress
            | Self::Catalogue
            | Self::NoListener
            | Self::NoTarget
            | Self::TwoTargets
            | Self::BadMatch
            | Self::BadHost
            | Self::Unreachable
            | Self::UnknownCapture
            | Self::UnknownParameter
            | Self::BadRewrite
            | Self::BadRespond
            | Self::TakenName
            | Self::TwoIdentifiers
            | Self::BadParameter
            | Self::BadBody
            | Self::BadDocument
            | Self::BadSecret
            | Self::BadCallers
            | Self::LaterKey
            | Self::LaterWord
            | Self::BadCall
            | Self::BadExpression
            | Self::UnknownMember
            | Self::MayNotExist
            | Self::FlowType
            | Self::FlowCycle
            | Self::Unreached
            | Self::BadGroup
            | Self::BadOutlet => Severity::Error,
        }
    }
}
