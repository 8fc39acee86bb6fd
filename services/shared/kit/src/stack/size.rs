//! No message is larger than allowed, whether it comes alone or in a stream: its announced length is read before it is.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Frame, SizeHint};
use tonic::{Status, body::Body};
use yiwang_ledger::Refusal;

use super::Front;
use crate::status;

pub(super) fn layer(next: Front, limit: usize) -> Front {
    Front::new(move |request: Request<Body>| {
        let next = next.clone();
        next.answer(request.map(|body| Body::new(Measured { body, limit, header: Vec::new(), rest: 0 })))
    })
}

/// A body of gRPC frames: one byte of flags, four of length, then so many bytes.
struct Measured {
    body: Body,
    limit: usize,
    /// What has come of the present frame's five bytes.
    header: Vec<u8>,
    /// What is still to come of the present message.
    rest: usize,
}

impl Measured {
    fn measure(&mut self, mut data: &[u8]) -> Result<(), Status> {
        while !data.is_empty() {
            if self.rest > 0 {
                let taken = self.rest.min(data.len());
                self.rest -= taken;
                data = &data[taken..];
                continue;
            }
            let taken = (5 - self.header.len()).min(data.len());
            self.header.extend_from_slice(&data[..taken]);
            data = &data[taken..];
            if let [_, a, b, c, d] = self.header[..] {
                self.rest = u32::from_be_bytes([a, b, c, d]) as usize;
                self.header.clear();
                if self.rest > self.limit {
                    return Err(status::status(too_large(self.limit)));
                }
            }
        }
        Ok(())
    }
}

fn too_large(limit: usize) -> Refusal {
    Refusal::invalid(
        "MESSAGE_TOO_LARGE",
        format!("请求内容超过{limit}字节"),
        format!("the message is larger than {limit} bytes"),
    )
    .with("limit_bytes", limit.to_string())
}

impl http_body::Body for Measured {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
            && let Err(status) = self.measure(data)
        {
            return Poll::Ready(Some(Err(status)));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
