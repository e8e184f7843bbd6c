//! Sends one built request and reads the answer within bounds: time, header bytes, body bytes, decompressed bytes.
//!
//! Must not know what the request was for. The other side is untrusted: nothing here grows with what it sends.

use super::error::Site;
use super::target::Limits;
use crate::exchange::{Response, TransportFailure};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use std::io::Read;
use tokio::time::{Instant, timeout_at};

/// One request, one answer or the reason why there is none.
pub(super) async fn exchange(
    client: &reqwest::Client,
    request: reqwest::Request,
    limits: &Limits,
    site: &Site,
) -> Result<Response, TransportFailure> {
    let deadline = Instant::now() + limits.timeout;
    let answer = match timeout_at(deadline, client.execute(request)).await {
        Ok(answer) => answer.map_err(|e| site.describe(e, None))?,
        Err(_) => return Err(site.timeout(limits.timeout, "no complete response head arrived")),
    };
    let status = answer.status().as_u16();
    let headers = read_headers(&answer, limits, site)?;
    let (raw, cut) = read_body(answer, deadline, limits, site, status).await?;
    let mut response = Response::new(status, headers, Vec::new());
    let (body, cut_decoded) = decode(&response, raw, cut, limits.max_body, site)?;
    response.body = body;
    // Whole or not, a body that is not read as JSON must not be called broken JSON.
    response.truncated = cut || cut_decoded || crate::exchange::too_many_values(&response.body);
    Ok(response)
}

fn read_headers(
    answer: &reqwest::Response,
    limits: &Limits,
    site: &Site,
) -> Result<Vec<(String, String)>, TransportFailure> {
    let size: usize = answer.headers().iter().map(|(k, v)| k.as_str().len() + v.len()).sum();
    if size > limits.max_header_bytes {
        return Err(site.protocol(format!(
            "{} sent {size} bytes of headers; more than {} are not read",
            site.origin, limits.max_header_bytes
        )));
    }
    let text = |v: &reqwest::header::HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned();
    Ok(answer.headers().iter().map(|(k, v)| (k.as_str().to_owned(), text(v))).collect())
}

/// The body as sent, and whether it went on beyond the limit.
async fn read_body(
    mut answer: reqwest::Response,
    deadline: Instant,
    limits: &Limits,
    site: &Site,
    status: u16,
) -> Result<(Vec<u8>, bool), TransportFailure> {
    let mut body = Vec::new();
    loop {
        let chunk = match timeout_at(deadline, answer.chunk()).await {
            Ok(Ok(chunk)) => chunk,
            Ok(Err(e)) => {
                let after = format!("after status {status} and {} body bytes", body.len());
                return Err(site.describe(e, Some(after)));
            }
            Err(_) => {
                let after = format!("status {status} and {} body bytes arrived", body.len());
                return Err(site.timeout(limits.timeout, &after));
            }
        };
        let Some(chunk) = chunk else {
            return Ok((body, false));
        };
        let room = limits.max_body - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body, true));
        }
        body.extend_from_slice(&chunk);
    }
}

/// Undoes `Content-Encoding`, as the identity providers' clients do. Encodings that we cannot undo stay as they are.
fn decode(
    response: &Response,
    raw: Vec<u8>,
    cut: bool,
    max: usize,
    site: &Site,
) -> Result<(Vec<u8>, bool), TransportFailure> {
    let coding = response.header("content-encoding").unwrap_or_default().trim().to_ascii_lowercase();
    if raw.is_empty() {
        return Ok((raw, false));
    }
    let result = match coding.as_str() {
        "gzip" | "x-gzip" => read_bounded(MultiGzDecoder::new(raw.as_slice()), max, cut),
        // RFC 9110 §8.4.1.2 means zlib; some servers send the bare stream.
        "deflate" => read_bounded(ZlibDecoder::new(raw.as_slice()), max, cut)
            .or_else(|_| read_bounded(DeflateDecoder::new(raw.as_slice()), max, cut)),
        _ => return Ok((raw, false)),
    };
    result.map_err(|e| {
        site.protocol(format!(
            "{} said `Content-Encoding: {coding}`, but the body cannot be unpacked ({e})",
            site.origin
        ))
    })
}

fn read_bounded(reader: impl Read, max: usize, input_cut: bool) -> std::io::Result<(Vec<u8>, bool)> {
    let mut out = Vec::new();
    // One byte more than allowed tells "exactly full" from "more to come".
    let mut reader = reader.take(max as u64 + 1);
    match reader.read_to_end(&mut out) {
        Err(_) if input_cut && !out.is_empty() => {}
        Err(e) => return Err(e),
        Ok(_) => {}
    }
    let more = out.len() > max;
    out.truncate(max);
    Ok((out, more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn unpack(coding: &str, raw: Vec<u8>, max: usize) -> Result<(Vec<u8>, bool), String> {
        let headers = vec![("content-encoding".to_owned(), coding.to_owned())];
        let site = Site { what: "GET /".into(), origin: "http://localhost".into(), option: "" };
        decode(&Response::new(200, headers, Vec::new()), raw, false, max, &site).map_err(|e| e.message)
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_and_both_deflates_are_unpacked() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"{}").unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(b"{}").unwrap();
        let expected = Ok((b"{}".to_vec(), false));
        assert_eq!(unpack("GZIP", gzip(b"{}"), 9), expected);
        assert_eq!(unpack("deflate", zlib.finish().unwrap(), 9), expected);
        assert_eq!(unpack("deflate", bare.finish().unwrap(), 9), expected);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![b' '; 5 << 20]);
        let (body, cut) = unpack("gzip", bomb, 1000).unwrap();
        assert_eq!((body.len(), cut), (1000, true));
        assert_eq!(unpack("gzip", gzip(b"1234"), 4).unwrap(), (b"1234".to_vec(), false));
    }

    #[test]
    fn foreign_codings_stay_and_broken_ones_are_reported() {
        assert_eq!(unpack("br", b"abc".to_vec(), 9), Ok((b"abc".to_vec(), false)));
        assert_eq!(unpack("gzip", Vec::new(), 9), Ok((Vec::new(), false)));
        assert!(unpack("gzip", b"{\"plain\": true}".to_vec(), 99).unwrap_err().contains("cannot be unpacked"));
    }
}
