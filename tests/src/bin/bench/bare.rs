//! What a read costs with nothing around it: a bare axum handler, and one that asks a bare tonic service over TCP.

use std::os::unix::process::parent_id;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tonic::server::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;
use tower::service_fn;
use yiwang_proto::intake::v1::intake_service_client::IntakeServiceClient;
use yiwang_proto::intake::v1::{Application, GetApplicationRequest};
use yiwang_tests::process::{Child, free_address};

/// Serialises the value of a file at every request.
pub async fn axum(listen: &str, file: &str) -> anyhow::Result<()> {
    let value: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    serve(listen, Router::new().route("/", get(answer)).with_state(Arc::new(value))).await
}

async fn answer(State(value): State<Arc<Value>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], serde_json::to_vec(&*value).unwrap_or_default())
}

/// Asks the tonic service for the application in the file, and answers with its JSON.
pub async fn hop(listen: &str, file: &str) -> anyhow::Result<()> {
    let behind = free_address()?;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.args(["--database-url=none", "tonic", &behind.to_string(), file]);
    let _service = Child::spawn(command)?;
    let channel = Endpoint::from_shared(format!("http://{behind}"))?.tcp_nodelay(true).connect_lazy();
    serve(listen, Router::new().route("/", get(forward)).with_state(IntakeServiceClient::new(channel))).await
}

async fn forward(State(mut client): State<IntakeServiceClient<Channel>>) -> Result<Json<Application>, String> {
    let application = client.get_application(GetApplicationRequest::default()).await;
    application.map(|answer| Json(answer.into_inner())).map_err(|status| status.to_string())
}

/// The bare service.
pub async fn tonic(listen: &str, file: &str) -> anyhow::Result<()> {
    let application: Application = serde_json::from_slice(&std::fs::read(file)?).context("an application")?;
    let path = "/yiwang.intake.v1.IntakeService/GetApplication";
    let app = Router::new().route(path, post(get_application)).with_state(Arc::new(application));
    let parent = parent_id();
    let orphaned = async {
        while parent_id() == parent {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    };
    // whoever started it is killed, and cannot stop it
    tokio::select! { served = serve(listen, app) => served, gone = orphaned => gone }
}

async fn get_application(State(application): State<Arc<Application>>, request: Request) -> Response {
    let answer = service_fn(move |_: tonic::Request<GetApplicationRequest>| {
        let application = application.clone();
        async move { Ok::<_, tonic::Status>(tonic::Response::new(Application::clone(&application))) }
    });
    let mut grpc = Grpc::new(ProstCodec::<Application, GetApplicationRequest>::default());
    grpc.unary(answer, request.map(tonic::body::Body::new)).await.map(Body::new)
}

async fn serve(listen: &str, app: Router) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    Ok(axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), app).await?)
}
