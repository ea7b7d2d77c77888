//! A cluster in its database: 20,000 clients with 40 packages each.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use opkg_tests::scratch;

use crate::cluster_database::{Progress, Size, make};
use crate::measure::{self, Subject};
use crate::plot::{Line, Plot};
use crate::programs::Programs;
use crate::report::Report;

const CLIENTS: [u32; 4] = [100, 1_000, 5_000, 20_000];
const EVENTS: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
const PACKAGES: u32 = 40;

/// A database of its own directory, with what `opm` needs beside it.
fn database(size: Size, progress: Progress) -> PathBuf {
    let directory = scratch::create_directory("cluster");
    fs_err::write(directory.join("opm.conf"), "server\nhead\n").unwrap();
    fs_err::create_dir(directory.join("settings")).unwrap();
    let path = directory.join("oda.db");
    make(&path, size, progress);
    path
}

/// A copy, for what changes it.
fn copy_of(database: &Path) -> PathBuf {
    let directory = scratch::create_directory("cluster");
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(database.parent().unwrap()).arg(directory.join("site"));
    assert!(copy.status().unwrap().success());
    directory.join("site/oda.db")
}

pub fn measure(report: &mut Report) {
    let largest = Size { clients: CLIENTS[CLIENTS.len() - 1], packages: PACKAGES, events: 0 };
    measure_states(report, largest);
    measure_growth(report);
    measure_journal(report);
}

fn opm<'a>(name: &str, goal: &'static str, database: &'a Path, arguments: &'a [&'a str]) -> Subject<'a> {
    Subject::own(name, goal, move |programs| {
        let mut command = programs.opm(database);
        command.args(arguments);
        command
    })
}

fn measure_states(report: &mut Report, size: Size) {
    let finished = database(size, Progress::Finished);
    let waiting = database(size, Progress::Waiting);
    let subjects = [
        opm("`opm status`, all of them finished", "200 ms", &finished, &["status"]),
        opm("`opm status`, all of them waiting", "200 ms", &waiting, &["status"]),
        opm("`opm run` with nothing to do", "20 ms", &finished, &["run"]),
        opm("`opm run`, all of them waiting", "20 ms", &waiting, &["run"]),
    ];
    report.measure("20,000 clients, 40 packages: looking", 10, &subjects);

    let empty = database(size, Progress::Nothing);
    let dump = scratch::create_directory("dump").join("cluster.toml");
    let mut export = report.programs.opm(&finished);
    assert!(
        export
            .arg("export")
            .stdout(fs_err::File::create(&dump).unwrap().into_parts().0)
            .status()
            .unwrap()
            .success()
    );
    let packages: Vec<String> = (1..=PACKAGES).map(|number| format!("package{number:02}")).collect();
    let subjects = [
        Subject::own("`opm request` of all packages on all clients", "2 s", |programs| {
            let mut command = programs.opm(&copy_of(&empty));
            command.args(["request", "--on", "clients", "--"]).args(&packages);
            command
        }),
        Subject::own("`opm import` of all of it", "5 s", |programs| {
            let database = scratch::create_directory("import").join("oda.db");
            drop(opkg_sqlite::SqliteStore::create(&database).unwrap());
            let mut command = programs.opm(&database);
            command.arg("import").arg(&dump);
            command
        }),
    ];
    report.measure("20,000 clients, 40 packages: changing", 2, &subjects);
}

fn measure_growth(report: &mut Report) {
    let mut lines: Vec<Line> =
        ["status", "idle run", "request"].map(|name| Line { name: name.into(), points: Vec::new() }).into();
    for clients in CLIENTS {
        let size = Size { clients, packages: PACKAGES, events: 0 };
        let (waiting, empty) = (database(size, Progress::Waiting), database(size, Progress::Nothing));
        let packages: Vec<String> = (1..=PACKAGES).map(|number| format!("package{number:02}")).collect();
        let best = |make: &dyn Fn(&Programs) -> Command| {
            (0..3).map(|_| measure::time_once(make(&report.programs))).fold(f64::INFINITY, f64::min)
        };
        let times = [
            best(&|programs| {
                let mut command = programs.opm(&waiting);
                command.arg("status");
                command
            }),
            best(&|programs| {
                let mut command = programs.opm(&waiting);
                command.arg("run");
                command
            }),
            best(&|programs| {
                let mut command = programs.opm(&copy_of(&empty));
                command.args(["request", "--on", "clients", "--"]).args(&packages);
                command
            }),
        ];
        for (line, time) in lines.iter_mut().zip(times) {
            line.points.push((f64::from(clients), time));
        }
    }
    let plot =
        Plot { title: "opm: clients with 40 packages each".into(), x: "clients", y: "milliseconds", lines };
    report.plot("clients", plot);
}

fn measure_journal(report: &mut Report) {
    let commands: [(&str, &[&str]); 4] = [
        ("`opm log`", &["log"]),
        ("`opm log --failed`", &["log", "--failed"]),
        ("`opm log -p -t`", &["log", "--package", "package01", "--target", "client:node00100"]),
        ("`opm history`", &["history"]),
    ];
    let mut lines: Vec<Line> =
        commands.iter().map(|(name, _)| Line { name: name.replace('`', ""), points: Vec::new() }).collect();
    for events in EVENTS {
        let database = database(Size { clients: 1_000, packages: PACKAGES, events }, Progress::Finished);
        let subjects: Vec<Subject> =
            commands.iter().map(|(name, arguments)| opm(name, "50 ms", &database, arguments)).collect();
        let is_last = events == EVENTS[EVENTS.len() - 1];
        let times: Vec<f64> = if is_last {
            let measured = report.measure("A journal of 1,000,000 steps", 10, &subjects);
            report.print(&measure_pages(&report.programs, &database));
            measured.into_iter().map(|row| row.best).collect()
        } else {
            let measured = measure::run(3, &report.programs, None, &subjects);
            measured.into_iter().map(|row| row.best).collect()
        };
        for (line, time) in lines.iter_mut().zip(times) {
            line.points.push((f64::from(events), time));
        }
    }
    let plot = Plot { title: "opm: steps in the journal".into(), x: "steps", y: "milliseconds", lines };
    report.plot("steps", plot);
}

/// How long pages of the browser take to come, with 1,000 clients.
fn measure_pages(programs: &Programs, database: &Path) -> String {
    let server = WebServer::start(programs, database);
    let mut table = String::from("\n| page | best of 10, ms | goal |\n|---|---:|---|\n");
    for path in ["", "runs", "runs/1000", "runs/1000/1", "requests", "packages/package01"] {
        let best = (0..10).map(|_| server.time_page(path)).fold(f64::INFINITY, f64::min);
        table.push_str(&format!("| `/{path}` | {best:.1} | 50 ms |\n"));
    }
    table
}

struct WebServer {
    process: Child,
    host: String,
    /// Where the pages of the session are.
    base: String,
    cookie: String,
}

impl WebServer {
    fn start(programs: &Programs, database: &Path) -> Self {
        let mut command = programs.opm(database);
        command.args(["web", "--listen", "0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let (host, path) = address.trim().trim_start_matches("http://").split_once('/').unwrap();
        let mut server = Self { process, host: host.to_owned(), base: String::new(), cookie: String::new() };
        let answer = server.get(&format!("/{path}"));
        let header = |name: &str| {
            let line = answer.lines().find_map(|line| {
                let (found, value) = line.split_once(": ")?;
                found.eq_ignore_ascii_case(name).then_some(value)
            });
            line.unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
        };
        server.cookie = header("set-cookie").split(';').next().unwrap().to_owned();
        server.base = header("location");
        server
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let cookie = &self.cookie;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n",
            self.host
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn time_page(&self, path: &str) -> f64 {
        let start = Instant::now();
        let answer = self.get(&format!("{}{path}", self.base));
        let took = start.elapsed();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        took.as_secs_f64() * 1000.0
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
