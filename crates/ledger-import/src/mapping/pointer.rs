//! Where in a line a value is: [RFC 6901](https://www.rfc-editor.org/rfc/rfc6901).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use super::line::Line;

/// A pointer, such as `/usage/prompt_tokens`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pointer {
    first: String,
    rest: Vec<String>,
}

impl Pointer {
    /// `None` when a text is no pointer to something within an object.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_escaped = |name: &str| name.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
        let mut names = text
            .strip_prefix('/')?
            .split('/')
            .map(|name| is_escaped(name).then(|| name.replace("~1", "/").replace("~0", "~")));
        Some(Self { first: names.next()??, rest: names.collect::<Option<_>>()? })
    }

    /// The JSON that it points at, if there is any but `null`.
    pub(super) fn find<'l>(&self, line: &'l Line) -> Option<&'l str> {
        let mut json = line.0.get(&self.first)?.get();
        for name in &self.rest {
            json = child(json, name)?;
        }
        Some(json).filter(|json| *json != "null")
    }
}

/// What has the name, or the number, within an object or a list. The rest of it is passed over, not decoded.
fn child<'j>(json: &'j str, name: &str) -> Option<&'j str> {
    if json.starts_with('{') {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
        return fields.get(name).map(|value| value.get());
    }
    let number: usize = name.parse().ok()?;
    let elements: Vec<&RawValue> = json.starts_with('[').then(|| serde_json::from_str(json).ok())??;
    elements.get(number).map(|value| value.get())
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [&self.first].into_iter().chain(&self.rest);
        names.into_iter().try_for_each(|name| write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")))
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is no pointer such as \"/usage/input\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"a":{"b/c":[10,{"~":"x"}],"n":null,"é":{"\u0065":1}},"":2,"s":"text"}"#;

    fn find(pointer: &str) -> Option<String> {
        let line: Line = serde_json::from_str(LINE).unwrap();
        Pointer::parse(pointer).unwrap().find(&line).map(str::to_owned)
    }

    #[test]
    fn names_and_numbers_lead_to_values() {
        for (pointer, value) in
            [("/a/b~1c/0", "10"), ("/a/b~1c/1/~0", "\"x\""), ("/", "2"), ("/s", "\"text\""), ("/a/é/e", "1")]
        {
            assert_eq!(find(pointer).as_deref(), Some(value), "{pointer}");
            assert_eq!(Pointer::parse(pointer).unwrap().to_string(), pointer);
        }
    }

    #[test]
    fn what_is_not_there_or_null_is_nothing() {
        for pointer in ["/b", "/a/n", "/a/b~1c/2", "/a/b~1c/x", "/s/0", "/a/b~1c/1/~0/z"] {
            assert_eq!(find(pointer), None, "{pointer}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_told() {
        for text in ["", "a", "a/b", "/~", "/a~2"] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
    }
}
