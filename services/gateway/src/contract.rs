//! The contracts as the gateway reads them at start: which method and path leads to which RPC, and what the comments say.
//!
//! Invariant: read from the same descriptors that the transcoder was generated from; nothing is listed a second time.

use anyhow::{Context as _, anyhow};
use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, Value};
use yiwang_proto::FILE_DESCRIPTOR_SET;

/// All RPCs that HTTP shows.
#[derive(Debug)]
pub struct Contract {
    /// Descriptors of every package.
    pub pool: DescriptorPool,
    /// One entry an HTTP binding.
    pub routes: Vec<Route>,
}

/// One HTTP binding of one RPC.
#[derive(Debug)]
pub struct Route {
    /// HTTP method.
    pub method: Method,
    /// Path as annotated, such as `/v1/cases/{id}:decide`.
    pub pattern: String,
    /// Whether the request body is the message.
    pub has_body: bool,
    /// The RPC.
    pub rpc: MethodDescriptor,
    segments: Vec<Segment>,
    verb: Option<String>,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Field(String),
}

impl Contract {
    /// Reads the descriptors built into the program.
    pub fn load() -> anyhow::Result<Self> {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).context("the built-in descriptors")?;
        let extension = pool.get_extension_by_name("google.api.http").context("google.api.http is vendored")?;
        let mut routes = Vec::new();
        for service in pool.services().filter(|service| service.full_name().starts_with("yiwang.")) {
            for rpc in service.methods() {
                let options = rpc.options();
                if options.has_extension(&extension)
                    && let Some(rule) = options.get_extension(&extension).as_message()
                {
                    routes.push(Route::new(rpc, rule)?);
                }
            }
        }
        Ok(Self { pool, routes })
    }

    /// The binding that a request leads to.
    pub fn find(&self, method: &Method, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.method == *method && route.matches(path))
    }

    /// The methods that a path has.
    pub fn allowed(&self, path: &str) -> Vec<&Method> {
        self.routes.iter().filter(|route| route.matches(path)).map(|route| &route.method).collect()
    }
}

impl Route {
    fn new(rpc: MethodDescriptor, rule: &DynamicMessage) -> anyhow::Result<Self> {
        let (method, pattern) = ["get", "post", "put", "patch", "delete"]
            .into_iter()
            .find_map(|verb| Some((verb, text(rule, verb)?)))
            .ok_or_else(|| anyhow!("{} has no path", rpc.full_name()))?;
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())?;
        let (path, verb) = split_verb(&pattern);
        let segments = path.split('/').skip(1).map(Segment::parse).collect();
        let verb = verb.map(str::to_owned);
        Ok(Self { method, has_body: text(rule, "body").is_some(), rpc, segments, verb, pattern })
    }

    fn matches(&self, path: &str) -> bool {
        let (path, verb) = split_verb(path);
        verb == self.verb.as_deref()
            && path.split('/').skip(1).count() == self.segments.len()
            && path.split('/').skip(1).zip(&self.segments).all(|(part, segment)| segment.takes(part))
    }

    /// The request message.
    pub fn input(&self) -> MessageDescriptor {
        self.rpc.input()
    }

    /// The path by which gRPC calls the RPC, such as `/yiwang.approval.v1.ApprovalService/DecideCase`.
    pub fn grpc_path(&self) -> String {
        format!("/{}/{}", self.rpc.parent_service().full_name(), self.rpc.name())
    }

    /// Names of the fields in the path.
    pub fn path_fields(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Field(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// The RPC's comment, one space in front of each line taken off.
    pub fn comment(&self) -> String {
        let service = self.rpc.parent_service();
        comment(service.parent_file_descriptor_proto(), self.rpc.path())
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(field) => Self::Field(field.to_owned()),
            None => Self::Literal(text.to_owned()),
        }
    }

    fn takes(&self, part: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == part,
            Self::Field(_) => !part.is_empty(),
        }
    }
}

/// `/v1/cases/7:decide` as `/v1/cases/7` and `decide`.
fn split_verb(path: &str) -> (&str, Option<&str>) {
    match path.rsplit_once(':') {
        Some((path, verb)) if !verb.contains('/') => (path, Some(verb)),
        _ => (path, None),
    }
}

fn text(rule: &DynamicMessage, field: &str) -> Option<String> {
    rule.has_field_by_name(field)
        .then(|| rule.get_field_by_name(field))?
        .as_deref()
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// The comment before a part of a file.
pub fn comment(file: &prost_reflect::prost_types::FileDescriptorProto, path: &[i32]) -> String {
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    let found = locations.into_iter().find(|location| location.path == path);
    let lines = found.map(|location| location.leading_comments()).unwrap_or_default().lines();
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_leads_to_its_rpc() {
        let contract = Contract::load().unwrap();
        let route = contract.find(&Method::POST, "/v1/cases/0190:decide").unwrap();
        assert_eq!(route.rpc.full_name(), "yiwang.approval.v1.ApprovalService.DecideCase");
        assert_eq!(route.path_fields().collect::<Vec<_>>(), ["id"]);
    }

    #[test]
    fn a_path_knows_its_methods() {
        let contract = Contract::load().unwrap();
        assert_eq!(contract.allowed("/v1/applications/0190"), [Method::PATCH, Method::GET]);
        assert!(contract.allowed("/v1/applications/0190/nothing").is_empty());
        assert!(contract.allowed("/v1/applications/").is_empty());
    }

    #[test]
    fn every_route_of_the_issue_is_there() {
        let contract = Contract::load().unwrap();
        let routes: Vec<_> = contract.routes.iter().map(|r| format!("{} {}", r.method, r.pattern)).collect();
        let wanted = "GET /v1/items,GET /v1/items/{item_code},POST /v1/applications,PATCH /v1/applications/{id},\
            GET /v1/applications/{id},POST /v1/applications/{id}:submit,POST /v1/applications/{id}:requestCorrection,\
            POST /v1/applications/{id}:resubmit,POST /v1/applications/{id}:accept,POST /v1/applications/{id}:refuse,\
            POST /v1/applications/{id}:withdraw,GET /v1/cases,GET /v1/cases/{id},POST /v1/cases/{id}:review,\
            POST /v1/cases/{id}:decide,GET /v1/licenses,GET /v1/licenses/{id},POST /v1/licenses:verify,\
            POST /v1/evaluations,GET /v1/notices,POST /v1/notices,GET /v1/me/affairs";
        let missing: Vec<_> = wanted.split(',').filter(|route| !routes.iter().any(|own| own == route)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
