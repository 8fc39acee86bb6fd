//! Generates everything from `yiwang/**/*.proto`, without protoc and into `OUT_DIR` alone: messages and gRPC (tonic-prost),
//! proto3 JSON (pbjson), the HTTP transcoder and OpenAPI parts (`rest_over_grpc`), the forwarding services behind that
//! transcoder, and the descriptor set for reflection.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto};
use rest_over_grpc::build::{DescriptorOptions, Generator, OpenApiInfo, ServiceDefinition};

/// `google.protobuf.FieldMask` has no proto3 JSON form in pbjson-types; ours is hand-written.
const FIELD_MASK: (&str, &str) = (".google.protobuf.FieldMask", "crate::field_mask::FieldMask");
const WELL_KNOWN: (&str, &str) = (".google.protobuf", "::pbjson_types");

/// Folder of the JSON of answers.
const WHOLE: &str = "whole";

/// Services that the gateway implements itself: one composes, the other is one name for several services.
const COMPOSED: [&str; 2] = ["AffairsService", "LedgerService"];
/// The files that they are in, in the order of the handlers.
const COMPOSED_IN: [&str; 2] = ["gateway/v1/affairs.proto", "ledger/v1/ledger.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", root.join("yiwang").display());
    println!("cargo:rerun-if-changed={}", root.join("google").display());

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true);
    let mut files = Vec::new();
    protos(&root.join("yiwang"), &mut files)?;
    // what the gateway implements itself comes last, so that a new service does not change the order of the transcoder's handlers
    files.sort_by_key(|file| (COMPOSED_IN.iter().position(|name| file.ends_with(name)), file.clone()));
    compiler.open_files(&files)?;
    let encoded = compiler.encode_file_descriptor_set();
    let set = compiler.file_descriptor_set();
    fs::write(out.join("yiwang.bin"), &encoded)?;

    tonic_prost_build::configure()
        .build_transport(false)
        .compile_well_known_types(true)
        .extern_path(FIELD_MASK.0, FIELD_MASK.1)
        .extern_path(WELL_KNOWN.0, WELL_KNOWN.1)
        .compile_fds(set.clone())?;
    let whole = whole_answers(&set);
    let mut json = pbjson_build::Builder::new();
    json.register_descriptors(&encoded)?
        .extern_path(FIELD_MASK.0, FIELD_MASK.1)
        .extern_path(WELL_KNOWN.0, WELL_KNOWN.1);
    fs::create_dir_all(out.join(WHOLE))?;
    json.out_dir(out.join(WHOLE)).emit_fields().build(&whole)?;
    let mut json = pbjson_build::Builder::new();
    json.register_descriptors(&encoded)?
        .extern_path(FIELD_MASK.0, FIELD_MASK.1)
        .extern_path(WELL_KNOWN.0, WELL_KNOWN.1);
    json.exclude(whole).build(&[".yiwang"])?;

    let version = env::var("CARGO_PKG_VERSION")?;
    let mut generator = Generator::builder()
        .emit_tonic_bridge(false)
        .emit_openapi_spec(Some(OpenApiInfo::new("一网 Yiwang", version)))
        .build();
    generator.add_all(ServiceDefinition::from_fds(&encoded, &DescriptorOptions::new().package(".yiwang"))?);
    generator.write(&out)?;

    fs::write(out.join("modules.rs"), modules(&set, &out)?)?;
    fs::write(out.join("forward.rs"), forward(&set)?)?;
    fs::write(out.join("openapi.rs"), openapi(&out)?)?;
    Ok(())
}

/// Messages that are answers and nothing else: they are written whole, an empty list as `[]` and a false as `false`, so that
/// a reader need not know what is left out. Requests stay as short as they came, since their fingerprints are kept for years.
fn whole_answers(set: &FileDescriptorSet) -> Vec<String> {
    let is_answer = |name: &str| {
        name.ends_with("Response") || name.ends_with("Section") || ["MyAffairs", "HaltedRelay"].contains(&name)
    };
    let of_file = |file: &FileDescriptorProto| {
        let package = file.package().to_owned();
        let names = file.message_type.iter().map(|message| message.name().to_owned());
        names.filter(|name| is_answer(name)).map(|name| format!(".{package}.{name}")).collect::<Vec<_>>()
    };
    ours(set).file.iter().flat_map(of_file).collect()
}

/// Every `.proto` below `dir`.
fn protos(dir: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            protos(&path, into)?;
        } else if path.extension().is_some_and(|ext| ext == "proto") {
            into.push(path);
        }
    }
    Ok(())
}

/// The set without imports: our own files.
fn ours(set: &FileDescriptorSet) -> FileDescriptorSet {
    let file = set.file.iter().filter(|file| file.package().starts_with("yiwang.")).cloned().collect();
    FileDescriptorSet { file }
}

/// `mod` tree nested as the packages, since the generated code names types by their package path.
fn modules(set: &FileDescriptorSet, out: &Path) -> Result<String, Box<dyn Error>> {
    let mut packages: BTreeMap<String, String> = BTreeMap::new();
    for file in &ours(set).file {
        let name = file.package().split('.').nth(1).ok_or("package without a service name")?;
        packages.insert(name.to_owned(), file.package().to_owned());
    }
    let mut code = String::new();
    for (name, package) in packages {
        write!(code, "/// `{package}`.\npub mod {name} {{\n/// `{package}`, version 1.\npub mod v1 {{\n")?;
        let whole = format!("{WHOLE}/{package}.serde.rs");
        let files = ["rs", "serde.rs", "rest.rs"].map(|suffix| format!("{package}.{suffix}"));
        for file in files.into_iter().chain([whole]) {
            if out.join(&file).exists() {
                writeln!(code, "include!(concat!(env!(\"OUT_DIR\"), \"/{file}\"));")?;
            }
        }
        code.push_str("}\n}\n");
    }
    Ok(code)
}

/// One forwarding implementation of each REST trait, and the transcoder over all of them: forwarding goes by package, so that only
/// its types are told apart; what the gateway composes itself comes last.
fn forward(set: &FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    let shown = |service: &&ServiceDescriptorProto| {
        !COMPOSED.contains(&service.name()) && service.method.iter().any(has_http_rule)
    };
    let forwarded = ours(set).file.iter().flat_map(|file| &file.service).filter(shown).count();
    write!(
        code,
        "/// The transcoder: every service forwarded, and the two that the gateway implements.\n\
         pub type Forwarded<A, B> = crate::rest::Transcoder<{}A, B>;\n\
         /// The transcoder over the links.\n\
         pub fn forwarded<A, B>(links: &Links, affairs: A, ledgers: B) -> Forwarded<A, B>\n\
         where A: crate::gateway::v1::AffairsService, B: crate::ledger::v1::LedgerService {{\n\
         crate::rest::Transcoder::new({}affairs, ledgers)\n}}\n",
        "Forward, ".repeat(forwarded),
        "Forward::new(links.clone()), ".repeat(forwarded)
    )?;
    for file in &ours(set).file {
        let package = format!("crate::{}", file.package().replace('.', "::"));
        let link = file.package().split('.').nth(1).ok_or("package without a service name")?;
        for service in &file.service {
            if !COMPOSED.contains(&service.name()) {
                code.push_str(&forward_service(&package, link, service)?);
            }
        }
    }
    Ok(code)
}

fn forward_service(package: &str, link: &str, service: &ServiceDescriptorProto) -> Result<String, Box<dyn Error>> {
    let name = service.name();
    let module = snake(name);
    let mut code = format!("impl {package}::{name} for Forward {{\n");
    for method in service.method.iter().filter(|method| has_http_rule(method)) {
        let rpc = snake(method.name());
        let input = rust_path(method.input_type());
        let output = rust_path(method.output_type());
        let (answer, output) = match method.server_streaming() {
            true => ("stream", format!("ResponseStream<{output}>")),
            false => ("answer", output),
        };
        write!(
            code,
            "async fn {rpc}(&self, request: {input}, cx: &mut Context) -> Result<{output}, Status> {{\n\
             let mut client = {package}::{module}_client::{name}Client::new(self.links.{link}.clone());\n\
             let request = carry(request, cx);\n\
             {answer}(call(async move {{ client.{rpc}(request).await }}).await)\n}}\n"
        )?;
    }
    code.push_str("}\n");
    Ok(code)
}

/// Whether the gateway shows a method. prost drops the extension itself and keeps that there are options; a method wrongly
/// taken or left out does not compile, since the REST trait must be implemented exactly.
fn has_http_rule(method: &MethodDescriptorProto) -> bool {
    method.options.is_some() && !method.client_streaming()
}

/// `.yiwang.intake.v1.Application` as a path from the crate's root.
fn rust_path(proto: &str) -> String {
    format!("crate{}", proto.replace('.', "::"))
}

/// `GetMyAffairs` as `get_my_affairs`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// The OpenAPI parts, one a package.
fn openapi(out: &Path) -> Result<String, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(out)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".openapi.json") {
            names.push(name);
        }
    }
    names.sort();
    let mut code = String::from("&[\n");
    for name in names {
        let package = name.trim_end_matches(".openapi.json");
        writeln!(code, "(\"{package}\", include_str!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))),")?;
    }
    code.push_str("]\n");
    Ok(code)
}
