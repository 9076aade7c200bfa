//! Servers of a single test, to be stopped in the middle and filled to the brim. They are made of the programs that
//! `tests/run.sh` uses; where those are missing, the test is left out with a message.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{Engine, skipped};

/// How long a server may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that nobody else uses.
pub(crate) struct Server {
    engine: Engine,
    port: u16,
    /// Its program in its folder, as its user.
    child: Option<Child>,
    folder: TempDir,
    user: String,
    options: Vec<String>,
}

impl Server {
    /// Makes and starts one; `None` with a message if this machine has none.
    pub(crate) fn start(engine: Engine, options: &[&str]) -> Option<Self> {
        let (maker, user) = match engine {
            Engine::Postgres => (program("initdb"), "postgres"),
            Engine::MySql => (program("mariadb-install-db"), "mysql"),
            Engine::Sqlite => return None,
        };
        let (Some(maker), Some(_)) = (maker, server_program(engine)) else {
            skipped(&format!("a private server of {engine:?}: it is not installed"));
            return None;
        };
        let folder = TempDir::with_prefix_in("dbsynth-server.", "/tmp").unwrap();
        let user = if runs_as_root() { user.to_owned() } else { String::new() };
        if !user.is_empty() && !run(Command::new("chown").arg(&user).arg(folder.path())) {
            skipped(&format!("a private server of {engine:?}: there is no user {user}"));
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut server = Self { engine, port, child: None, folder, user, options };
        let data = server.data();
        let mut make = server.command(&maker);
        match engine {
            Engine::Postgres => {
                make.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
                make.args(["--no-locale", "--no-sync"]);
            }
            _ => {
                make.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
                make.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
            }
        }
        assert!(run(make.stdout(Stdio::null()).stderr(Stdio::null())), "{engine:?} cannot be made");
        server.up();
        Some(server)
    }

    /// An administrator's URL.
    pub(crate) fn url(&self) -> String {
        match self.engine {
            Engine::Postgres => format!("postgres://postgres@127.0.0.1:{}/postgres", self.port),
            _ => format!("mysql://root@127.0.0.1:{}/mysql", self.port),
        }
    }

    /// The folder that only the server's user may write.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The user it runs as; empty for our own.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// Pulls the plug.
    pub(crate) fn crash(&mut self) {
        self.signal(if self.engine == Engine::Postgres { "-QUIT" } else { "-KILL" });
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// Starts it on what it left, and waits until it answers.
    pub(crate) fn up(&mut self) {
        let program = server_program(self.engine).unwrap();
        let mut start = self.command(&program);
        let (data, folder) = (self.data(), self.folder.path().display().to_string());
        match self.engine {
            Engine::Postgres => {
                start.arg("-D").arg(&data).args(["-p", &self.port.to_string(), "-k", &folder]);
                start.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
                start.args(["-c", "shared_buffers=32MB", "-c", "log_min_messages=fatal"]);
            }
            _ => {
                start.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
                start.arg(format!("--port={}", self.port)).arg(format!("--socket={folder}/s"));
                start.arg(format!("--pid-file={folder}/pid")).arg("--bind-address=127.0.0.1");
                // In a shared one it would remove the temporary tables of other servers.
                start.arg(format!("--tmpdir={folder}"));
                start.args(["--local-infile=1", "--skip-name-resolve", "--skip-log-bin"]);
                start.args(["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"]);
            }
        }
        start.args(&self.options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(start.spawn().unwrap());
        let started = Instant::now();
        while !self.answers() {
            assert!(started.elapsed() < PATIENCE, "{:?} does not start", self.engine);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn answers(&self) -> bool {
        if TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            return false;
        }
        match program("pg_isready") {
            // It listens before it is ready.
            Some(ready) if self.engine == Engine::Postgres => {
                let port = self.port.to_string();
                run(Command::new(ready).args(["-q", "-h", "127.0.0.1", "-p", &port]))
            }
            _ => true,
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program run as the server's user.
    fn command(&self, program: &Path) -> Command {
        let mut command = if self.user.is_empty() {
            Command::new(program)
        } else {
            let mut command = Command::new("runuser");
            command.args(["-u", &self.user, "--"]).arg(program);
            command
        };
        command.current_dir(self.folder.path());
        command
    }

    fn signal(&self, signal: &str) {
        let file = match self.engine {
            Engine::Postgres => self.data().join("postmaster.pid"),
            _ => self.folder.path().join("pid"),
        };
        let pid = fs::read_to_string(file).unwrap_or_default();
        if let Some(pid) = pid.lines().next().map(str::trim).filter(|pid| !pid.is_empty()) {
            run(Command::new("kill").args([signal, pid]).stderr(Stdio::null()));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.crash();
    }
}

fn runs_as_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|said| said.stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}

fn server_program(engine: Engine) -> Option<PathBuf> {
    program(if engine == Engine::Postgres { "postgres" } else { "mariadbd" })
}

/// Looks where `tests/run.sh` looks: in PATH, and where Debian keeps servers.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/usr/local/pgsql/bin"].map(PathBuf::from));
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.into_iter().map(|folder| folder.join(name)).find(|file| file.is_file())
}
