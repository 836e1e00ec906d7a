//! The parts of a database URL.

/// `scheme://user:password@host:port/database?settings`, without the database.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Address {
    pub(crate) fn of(url: &str) -> Self {
        let (_, rest) = url.split_once("://").expect("a database URL has a scheme");
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let (login, place) = authority.rsplit_once('@').unwrap_or(("root", authority));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(decoded(password))),
            None => (login, None),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().expect("a port is a number"))),
            _ => (place, None),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        Self { user: decoded(user), password, host, port }
    }
}

/// `url` with another database.
pub(crate) fn with_database(url: &str, database: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a database URL has a scheme");
    let (place, settings) = rest.split_once('?').map_or((rest, String::new()), |(place, s)| (place, format!("?{s}")));
    let authority = place.split('/').next().unwrap_or_default();
    format!("{scheme}://{authority}/{database}{settings}")
}

/// `url` with one more setting.
pub(crate) fn with_setting(url: &str, name: &str, value: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{name}={value}")
}

/// Text in which `%40` stands for `@`.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).expect("two digits follow the % in a URL");
        bytes.push(u8::from_str_radix(code, 16).expect("two digits follow the % in a URL"));
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("a URL is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let whole = Address::of("mysql://ann:p%40ss%3a@db.example:3307/x?ssl-mode=disabled");
        let expected =
            Address { user: "ann".into(), password: Some("p@ss:".into()), host: "db.example".into(), port: Some(3307) };
        assert_eq!(whole, expected);
        let short = Address::of("mysql://[::1]");
        assert_eq!(short, Address { user: "root".into(), password: None, host: "::1".into(), port: None });
    }

    #[test]
    fn a_url_keeps_its_settings() {
        assert_eq!(with_database("mysql://a@b:1/x?y=z", "new"), "mysql://a@b:1/new?y=z");
        assert_eq!(with_database("mysql://a@b", "new"), "mysql://a@b/new");
        assert_eq!(with_setting("postgres://a@b/x", "schema", "s"), "postgres://a@b/x?schema=s");
        assert_eq!(with_setting("postgres://a@b/x?y=z", "schema", "s"), "postgres://a@b/x?y=z&schema=s");
    }
}
