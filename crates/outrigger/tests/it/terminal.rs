//! A real terminal for a command: `script` of Debian's util-linux opens one.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

pub(crate) struct Terminal {
    session: Child,
    keyboard: Option<ChildStdin>,
    screen: Receiver<Vec<u8>>,
    /// Everything that was shown.
    seen: String,
    /// How much of it has been waited for.
    read: usize,
}

impl Terminal {
    /// Runs the command, with the environment that was set for it, on a terminal.
    pub(crate) fn start(command: &Command) -> Self {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line: Vec<String> =
            words.map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', "'\\''"))).collect();
        let mut script = Command::new("script");
        script.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = command.get_current_dir() {
            script.current_dir(folder);
        }
        let mut session = script
            .env("TERM", "xterm")
            .args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, screen) = mpsc::channel();
        let mut output = session.stdout.take().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(read) = output.read(&mut buffer)
                && read > 0
                && sender.send(buffer[..read].to_vec()).is_ok()
            {}
        });
        let keyboard = session.stdin.take();
        Self { session, keyboard, screen, seen: String::new(), read: 0 }
    }

    /// Waits until this is shown, after what was waited for before.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, wanted: &str) {
        loop {
            if let Some(at) = self.seen[self.read..].find(wanted) {
                self.read += at + wanted.len();
                return;
            }
            assert!(self.read_more(), "`{wanted}` never came: {:?}", self.seen);
        }
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.keyboard.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the end; what was shown, and the exit code.
    pub(crate) fn end(mut self) -> (String, i32) {
        while self.read_more() {}
        // `script` goes on for as long as its own input is open.
        drop(self.keyboard.take());
        let code = self.session.wait().unwrap().code().unwrap();
        (std::mem::take(&mut self.seen), code)
    }

    /// False at the end of the output.
    #[track_caller]
    fn read_more(&mut self) -> bool {
        let bytes = match self.screen.recv_timeout(Duration::from_secs(60)) {
            Ok(bytes) => bytes,
            Err(mpsc::RecvTimeoutError::Disconnected) => return false,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("nothing more is shown: {:?}", self.seen),
        };
        self.seen.push_str(&String::from_utf8_lossy(&bytes));
        // A program may ask a terminal where its cursor is.
        if bytes.ends_with(b"\x1b[6n") {
            self.type_in("\x1b[1;1R");
        }
        true
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.session.kill();
        let _ = self.session.wait();
    }
}
