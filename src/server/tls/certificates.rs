//! SEAM
#[derive(Debug)]
pub(super) struct Certificates;
impl Certificates {
    pub(super) fn serves(&self, server_name: Option<&str>, host: &str) -> bool {
        let _ = (server_name, host);
        true
    }
}
