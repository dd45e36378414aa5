use anyhow::Result;
pub fn run(_keep: bool) -> Result<()> {
    Ok(())
}
