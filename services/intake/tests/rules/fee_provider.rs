//! `payments.toml`, and what production takes of it.

use yiwang_kit::Config;
use yiwang_kit::config::Mode;

fn config(mode: Mode, file: Option<&str>) -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(text) = file {
        std::fs::write(folder.path().join("payments.toml"), text).expect("a file");
    }
    let config = Config { mode, data_dir: folder.path().to_owned(), ..Config::default() };
    (folder, config)
}

#[test]
fn production_takes_no_demonstration() {
    let open = |mode, file| {
        let (_folder, config) = config(mode, file);
        yiwang_intake::fee::provider::configured(&config)
            .map(|read| read.value.is_some())
            .map_err(|error| error.to_string())
    };
    assert_eq!(open(Mode::Development, None), Ok(true));
    assert_eq!(open(Mode::Production, None), Ok(false));
    assert!(open(Mode::Production, Some("[provider]\n")).is_err());
    assert_eq!(open(Mode::Production, Some("[provider]\naddress = \"https://pay.example.org\"\n")), Ok(true));
    assert!(open(Mode::Development, Some("[provider]\nadress = \"x\"\n")).is_err());
}
