//! Whose rights a piece of work has, and which settings it sees.

use pgrx::pg_sys;
use std::ffi::{CString, c_int};

/// While it lives, the current user is another role and `search_path` holds the system catalogs alone; settings changed
/// meanwhile are put back with it.
///
/// An error that passes through needs no undoing here: the end of the (sub)transaction restores both, and the guard then
/// keeps its hands off.
pub struct RunAs {
    // Dropped in this order: the settings are put back by the role that changed them.
    _settings: Settings,
    _role: Role,
}

impl RunAs {
    /// The owner of a table or view, in a security-restricted operation, as REFRESH and VACUUM run a user's expressions:
    /// code of the owner can neither leave the role nor plant anything in the session.
    pub fn owner(role: pg_sys::Oid) -> Self {
        let role = Role::restricted(role);
        Self { _settings: Settings::pinned(), _role: role }
    }

    /// A role whose rights one statement of ours needs. Only statements that run no code of another user, or that
    /// confine it themselves as REFRESH does, may run so.
    pub fn role(role: pg_sys::Oid) -> Self {
        let role = Role::enter(role, pg_sys::SECURITY_LOCAL_USERID_CHANGE as c_int);
        Self { _settings: Settings::pinned(), _role: role }
    }
}

/// The role alone, without settings.
pub(crate) struct Role {
    user: pg_sys::Oid,
    context: c_int,
}

impl Role {
    /// In a security-restricted operation.
    pub(crate) fn restricted(role: pg_sys::Oid) -> Self {
        Self::enter(
            role,
            (pg_sys::SECURITY_RESTRICTED_OPERATION | pg_sys::SECURITY_LOCAL_USERID_CHANGE) as c_int,
        )
    }

    fn enter(role: pg_sys::Oid, flags: c_int) -> Self {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        // SAFETY: plain reads and writes of the backend's own identity, in a transaction.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            pg_sys::SetUserIdAndSecContext(role, context | flags);
        }
        Self { user, context }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: puts back what `enter` read; guards are dropped in reverse order.
            unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) };
        }
    }
}

/// A nest level of settings, as a function with a SET clause has one: what [`set`] changes while it lives is put back
/// with it, or by the end of the (sub)transaction after an error.
pub struct Settings {
    nest_level: c_int,
}

impl Settings {
    pub fn nest() -> Self {
        // SAFETY: opens a level that `drop` closes, in a transaction.
        Self { nest_level: unsafe { pg_sys::NewGUCNestLevel() } }
    }

    /// With `search_path` pinned to the system catalogs: the server then prints every other name with its schema, and no
    /// user's operator or function stands in for one of its own.
    pub fn pinned() -> Self {
        let settings = Self::nest();
        set("search_path", "pg_catalog, pg_temp");
        settings
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: ends the level that `nest` began; guards are dropped in reverse order.
            unsafe { pg_sys::AtEOXact_GUC(false, self.nest_level) };
        }
    }
}

/// Changes a setting up to the end of the innermost nest level. For names and values of our own, never a user's text.
pub fn set(name: &str, value: &str) {
    let name = CString::new(name).expect("a name of ours");
    let value = CString::new(value).expect("a value of ours");
    // SAFETY: both strings outlive the call, which copies them.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
    }
}

/// Whether the current user may act for `role`: it is the role, a member that inherits its rights, or a superuser.
pub fn may_act_for(role: pg_sys::Oid) -> bool {
    // SAFETY: looks up role memberships in a transaction.
    unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), role) }
}
