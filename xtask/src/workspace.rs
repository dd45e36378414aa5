//! Where things are: the repository, its build products, the cache, and the user that servers run as.

use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid, User};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The extensions, in the order in which they are built, tested and shown.
pub const EXTENSIONS: [&str; 4] =
    ["pb_compat", "shard_router", "cache_notify", "maintenance_worker"];

/// The project's name, as folders outside the repository carry it.
pub const PROJECT: &str = "pg_appkit";

/// The version of pgrx that Cargo.toml pins; its command line has to be the same one.
pub const PGRX_VERSION: &str = "0.18.1";

/// The repository.
pub fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().expect("the crate stands in a folder of the repository").to_owned()
}

/// Where cargo builds the programs that need no PostgreSQL (this one, the tests).
pub fn target() -> PathBuf {
    root().join("target")
}

/// What may outlive the build folder and serve several clones: tools that take minutes to build.
pub fn cache() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(base.join(PROJECT))
}

/// The user that servers run as. PostgreSQL refuses to run as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// Ourselves, or, when we are root, the `postgres` user of the system's packages (else `nobody`).
    pub fn for_servers() -> Result<Account> {
        if !Uid::effective().is_root() {
            return Ok(Account { uid: Uid::effective().as_raw(), gid: Gid::effective().as_raw() });
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name)? {
                return Ok(Account { uid: user.uid.as_raw(), gid: user.gid.as_raw() });
            }
        }
        anyhow::bail!(
            "running as root, and there is neither a user 'postgres' nor 'nobody' to run servers as"
        )
    }

    /// Whether this is somebody else than us, so that commands have to change user first.
    pub fn is_other(self) -> bool {
        self.uid != Uid::effective().as_raw()
    }

    /// Gives a file or folder to this account.
    pub fn own(self, path: &Path) -> Result<()> {
        if self.is_other() {
            std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).with_context(|| {
                format!("could not give {} to user {}", path.display(), self.uid)
            })?;
        }
        Ok(())
    }

    /// Makes an empty folder that belongs to this account alone; what was there is removed.
    pub fn fresh_dir(self, path: &Path) -> Result<()> {
        if path.exists() {
            std::fs::remove_dir_all(path)
                .with_context(|| format!("could not remove {}", path.display()))?;
        }
        std::fs::create_dir_all(path)
            .with_context(|| format!("could not make {}", path.display()))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
        self.own(path)
    }
}

/// Where private servers and their data live: `target/`, unless the account that runs them may not go there (a clone
/// in root's home, say) or its path is too long for a server's socket; then a folder under the system's place for temporary
/// files that outlive a reboot.
pub fn state() -> Result<PathBuf> {
    // A socket's path may have about 107 bytes, and folders for runs and standbys come on top.
    const LONGEST: usize = 55;
    let target = target();
    std::fs::create_dir_all(&target)
        .with_context(|| format!("could not make {}", target.display()))?;
    let account = Account::for_servers()?;
    let enterable =
        !account.is_other() || target.ancestors().all(|dir| others_may_enter(dir, account));
    if enterable && target.as_os_str().len() <= LONGEST {
        return Ok(target);
    }
    let mut hasher = DefaultHasher::new();
    (root(), account.uid).hash(&mut hasher);
    let state = PathBuf::from(format!("/var/tmp/{PROJECT}-{:016x}", hasher.finish()));
    std::fs::create_dir_all(&state)
        .with_context(|| format!("could not make {}", state.display()))?;
    let owner = std::fs::symlink_metadata(&state)?;
    anyhow::ensure!(
        owner.is_dir() && owner.uid() == Uid::effective().as_raw(),
        "{} belongs to somebody else",
        state.display()
    );
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755))?;
    Ok(state)
}

fn others_may_enter(dir: &Path, account: Account) -> bool {
    std::fs::metadata(dir).is_ok_and(|meta| {
        let bit = if meta.uid() == account.uid {
            0o100
        } else if meta.gid() == account.gid {
            0o010
        } else {
            0o001
        };
        meta.mode() & bit != 0
    })
}
