//! What trigger functions need beyond pgrx.

use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

/// Makes the transition tables of a statement-level trigger (`REFERENCING OLD TABLE AS .. NEW TABLE AS ..`) readable by
/// name in the current SPI connection.
///
/// # Safety
/// `trigger` must be the `TriggerData` of the trigger call that is running, and SPI must be connected.
pub unsafe fn register_transition_tables(
    trigger: *mut pg_sys::TriggerData,
) -> Result<(), ErrorReport> {
    // SAFETY: as the caller promises.
    let code = unsafe { pg_sys::SPI_register_trigger_data(trigger) };
    if code < 0 {
        return Err(ErrorReport::new(
            PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            format!("SPI_register_trigger_data failed with code {code}"),
            "",
        ));
    }
    Ok(())
}
