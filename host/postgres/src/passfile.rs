//! The file of passwords, `~/.pgpass`: a line for each `HOST:PORT:DATABASE:USER:PASSWORD`, where `*` stands for anything
//! and `\` escapes. A file that others can read is not used.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The password for a connection; absent where the file has none, or may not be used.
pub fn find_password(file: &Path, config: &Config) -> Option<String> {
    let metadata = fs::metadata(file).ok()?;
    if metadata.mode() & 0o077 != 0 {
        tracing::warn!(file = %file.display(), "others can read this file of passwords, so it is not used; `chmod 600` it");
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    let hosts = config.get_hosts().iter().enumerate().map(|(number, host)| {
        let ports = config.get_ports();
        let port = ports.get(number).or(ports.first()).copied().unwrap_or(5432);
        (host_name(host), port.to_string())
    });
    let (database, user) = (config.get_dbname()?, config.get_user()?);
    hosts.into_iter().find_map(|(host, port)| look_up(&text, [&host, &port, database, user]))
}

/// As the file names a host: a socket is one of this machine.
fn host_name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(_) => "localhost".to_owned(),
    }
}

/// The password of the first line that fits.
fn look_up(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = split_fields(line)?;
        let fits = wanted.iter().zip(&fields).all(|(wanted, field)| field == "*" || field == wanted);
        fits.then(|| fields[4].clone())
    })
}

/// The five fields of a line.
fn split_fields(line: &str) -> Option<[String; 5]> {
    let mut fields: [String; 5] = Default::default();
    let mut number = 0;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => fields[number].extend(letters.next()),
            ':' if number < 4 => number += 1,
            other => fields[number].push(other),
        }
    }
    (number == 4).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# head:5432:opm:ada:no\nhead:5432:other:ada:1\nhe\\:ad:*:opm:ada:2\nhead:5432:opm:ada:a\\:b\\\\c\n*:*:*:*:4:5\nshort:line\n";
        let find = |host: &str, user: &str| look_up(text, [host, "5432", "opm", user]);
        assert_eq!(find("head", "ada").as_deref(), Some("a:b\\c"));
        assert_eq!(find("he:ad", "ada").as_deref(), Some("2"));
        assert_eq!(find("head", "eve").as_deref(), Some("4:5"));
        assert_eq!(look_up("head:1:opm:ada:x", ["head", "5432", "opm", "ada"]), None);
    }
}
