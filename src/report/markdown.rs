//! (next)
pub fn write(_: &crate::event::RunReport, _: &mut dyn std::io::Write) -> std::io::Result<()> {
    Ok(())
}
