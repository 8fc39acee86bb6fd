//! Configuration: its three sources, and what it refuses.

use std::collections::HashMap;
use std::path::PathBuf;

use rstest::rstest;
use yiwang_kit::config::{Config, ConfigError, Mode, Sources};

fn load(file: &str, environment: &[(&str, &str)], overrides: &[(&'static str, &str)]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("yiwang.toml");
    std::fs::write(&path, file).unwrap();
    Config::load(Sources {
        file: Some(path),
        overrides: overrides.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
        environment: Some(environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()),
    })
}

#[test]
fn nothing_configured_is_the_embedded_default() {
    let config = load("", &[], &[]).unwrap();
    assert_eq!((config.mode, config.listen.as_str()), (Mode::Development, "127.0.0.1:8080"));
    assert!(config.development_issuer());
}

#[test]
fn the_environment_is_stronger_than_the_file_and_the_command_line_than_both() {
    let file = "listen = '1.1.1.1:1'\nregion = 511602000000\n[limits]\nconcurrency = 7\ndeadline_ms = 9";
    let environment = [("YIWANG__LISTEN", "2.2.2.2:2"), ("YIWANG__LIMITS__CONCURRENCY", "8")];
    let config = load(file, &environment, &[("listen", "3.3.3.3:3")]).unwrap();
    assert_eq!((config.listen.as_str(), config.limits.concurrency, config.limits.deadline_ms), ("3.3.3.3:3", 8, 9));
}

#[test]
fn a_key_of_digits_from_the_environment_stays_text() {
    let key = "00000000000000000000000000000012";
    let config = load("", &[("YIWANG__SECURITY__WRAPPING_KEY", key)], &[]).unwrap();
    assert_eq!(config.security.wrapping_key.unwrap().expose(), key);
}

#[rstest]
#[case::file("[intake]\ndatabse_url = 'x'", &[], "intake.databse_url")]
#[case::section("[limit]\nconcurrency = 1", &[], "limit")]
#[case::top("lisen = 'x'", &[], "lisen")]
#[case::environment("", &[("YIWANG__INTAKE__DATABSE_URL", "x")], "intake.databse_url")]
#[case::environment_top("", &[("YIWANG__SOMETHING", "x")], "something")]
fn an_unknown_key_is_refused_by_its_name(#[case] file: &str, #[case] environment: &[(&str, &str)], #[case] key: &str) {
    let error = load(file, environment, &[]).unwrap_err().to_string();
    assert!(error.contains(&format!("`{key}`")), "{error}");
}

#[test]
fn an_unknown_key_says_where_it_was_written_and_what_was_meant() {
    let error = load("", &[("YIWANG__INTAKE__DATABSE_URL", "x")], &[]).unwrap_err().to_string();
    assert!(error.contains("the environment") && error.contains("did you mean `database_url`"), "{error}");
}

#[test]
fn other_variables_are_nobodys_business() {
    assert!(load("", &[("YIWANG_TEST_POSTGRES_URL", "x"), ("PATH", "/bin")], &[]).is_ok());
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_by_its_name() {
    let error = load("[limits]\nconcurrency = 'many'", &[], &[]).unwrap_err().to_string();
    assert!(error.contains("concurrency") || error.contains("integer"), "{error}");
}

#[test]
fn what_is_printed_hides_every_secret() {
    let file = "database_url = 'postgres://yi:planted1@db:5432/yiwang?password=planted2'\n[security]\nwrapping_key = 'planted3'\n\
                lookup_key = 'planted4'";
    let config = load(file, &[], &[]).unwrap();
    let (printed, debugged) = (config.render(), format!("{config:?}"));
    assert!(!printed.contains("planted") && !debugged.contains("planted"), "{printed}");
    assert!(printed.contains(r#"database_url = "postgres://yi:***@db:5432/yiwang?***""#), "{printed}");
    assert!(printed.contains(r#"security.wrapping_key = "***""#), "{printed}");
}

#[test]
fn what_is_printed_can_be_read_again() {
    let printed = load("[limits]\nconcurrency = 77", &[], &[]).unwrap().render();
    assert_eq!(load(&printed, &[], &[]).unwrap().limits.concurrency, 77);
}

#[test]
fn no_message_is_larger_than_what_grpc_itself_takes() {
    assert!(load("[limits]\nmessage_bytes = 4194304", &[], &[]).is_ok());
    let error = load("[limits]\nmessage_bytes = 4194305", &[], &[]).unwrap_err().to_string();
    assert!(error.contains("limits.message_bytes"), "{error}");
}

const PRODUCTION: &str = "mode = 'production'\nidentity.jwks = 'https://id.example/jwks'\nidentity.service_jwks = 'services.json'\n\
    identity.service_key_file = 'intake.pem'\nsecurity.wrapping_key_file = 'w'\nsecurity.lookup_key_file = 'l'\n\
    security.seal_key_file = 's'\ndocuments.public_url = 'https://zwfw.example'\n";

#[test]
fn production_with_everything_named_is_accepted() {
    let config = load(PRODUCTION, &[], &[]).unwrap();
    assert!(config.is_production() && !config.development_issuer());
}

#[rstest]
#[case::development_issuer("YIWANG__IDENTITY__DEVELOPMENT_ISSUER", "true", "development_issuer")]
#[case::plain_http("YIWANG__IDENTITY__JWKS", "http://id.example/jwks", "identity.jwks")]
#[case::plain_http_services("YIWANG__IDENTITY__SERVICE_JWKS", "http://id.example/jwks", "identity.service_jwks")]
#[case::durability("YIWANG__DATABASE_URL", "postgres://db/y?options=-c%20synchronous_commit%3Doff", "durability")]
#[case::region("YIWANG__REGION", "5116", "region")]
fn production_refuses_what_is_only_good_for_trying_out(#[case] key: &str, #[case] value: &str, #[case] named: &str) {
    let error = load(PRODUCTION, &[(key, value)], &[]).unwrap_err().to_string();
    assert!(error.contains(named), "{error}");
}

#[rstest]
#[case("identity.jwks = 'https://id.example/jwks'\n", "identity.jwks")]
#[case("identity.service_jwks = 'services.json'\n", "identity.service_jwks")]
#[case("identity.service_key_file = 'intake.pem'\n", "identity.service_key_file")]
#[case("security.wrapping_key_file = 'w'\n", "security.wrapping_key_file")]
#[case("security.lookup_key_file = 'l'\n", "security.lookup_key_file")]
#[case("security.seal_key_file = 's'\n", "security.seal_key_file")]
#[case("documents.public_url = 'https://zwfw.example'\n", "documents.public_url")]
fn production_makes_up_no_key(#[case] line: &str, #[case] key: &str) {
    let error = load(&PRODUCTION.replace(line, ""), &[], &[]).unwrap_err().to_string();
    assert!(error.contains(&format!("`{key}`")), "{error}");
}

#[test]
fn keys_are_made_once_and_only_their_owner_reads_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let config = Config { data_dir: dir.path().join("new"), ..Config::default() };
    let [first, second] = [0, 1].map(|_| yiwang_kit::keys::secrets(&config).unwrap());
    assert_eq!((first.lookup_key, first.wrapping_key), (second.lookup_key, second.wrapping_key));
    let mode = std::fs::metadata(config.data_dir.join("keys.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&config.data_dir).unwrap().count(), 1);
}

#[test]
fn the_key_before_is_read_beside_the_wrapping_key() {
    let dir = tempfile::tempdir().unwrap();
    let (file, old) = (dir.path().join("old"), "0123456789abcdef0123456789abcdef");
    std::fs::write(&file, old).unwrap();
    let line = format!("[security]\nprevious_wrapping_key_file = '{}'", file.display());
    let config = Config { data_dir: dir.path().join("new"), ..load(&line, &[], &[]).unwrap() };
    let secrets = yiwang_kit::keys::secrets(&config).unwrap();
    assert_eq!(secrets.previous_wrapping_key.map(|key| yiwang_kit::entropy::hex(&key)).as_deref(), Some(old));
    let wrong = load("[security]\nprevious_wrapping_key = 'xyz'", &[], &[]).unwrap();
    let wrong = Config { data_dir: dir.path().join("new"), ..wrong };
    assert!(yiwang_kit::keys::secrets(&wrong).err().unwrap().to_string().contains("security.previous_wrapping_key"));
}

#[test]
fn processes_that_start_together_end_with_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let file: PathBuf = dir.path().join("key");
    let made: HashMap<Vec<u8>, usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16u8)
            .map(|n| {
                let file = &file;
                scope.spawn(move || yiwang_kit::keys::once(file, || Ok(vec![n; 8])).unwrap().to_vec())
            })
            .collect();
        threads.into_iter().fold(HashMap::new(), |mut count, thread| {
            *count.entry(thread.join().unwrap()).or_default() += 1;
            count
        })
    });
    assert_eq!(made.into_values().collect::<Vec<_>>(), [16]);
}
