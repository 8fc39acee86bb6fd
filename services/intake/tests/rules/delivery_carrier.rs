//! `carriers.toml`, and what production takes of it.

use yiwang_kit::Config;
use yiwang_kit::config::Mode;

#[test]
fn production_takes_no_demonstration() {
    let open = |mode, file: Option<&str>| {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(text) = file {
            std::fs::write(folder.path().join("carriers.toml"), text).expect("a file");
        }
        let config = Config { mode, data_dir: folder.path().to_owned(), ..Config::default() };
        yiwang_intake::delivery::carrier::configured(&config)
            .map(|read| read.value.is_some())
            .map_err(|error| error.to_string())
    };
    assert_eq!(open(Mode::Development, None), Ok(true));
    assert_eq!(open(Mode::Production, None), Ok(false));
    assert!(open(Mode::Production, Some("[carrier]\n")).is_err());
    assert_eq!(open(Mode::Production, Some("[carrier]\naddress = \"https://post.example.org\"\n")), Ok(true));
}
