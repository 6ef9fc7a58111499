//! Content negotiation: which of JSON and CBOR a body is in, and which the answer shall be in.

use hyper::{HeaderMap, header};

use super::problem::HttpError;

/// A form of documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// `application/json`
    #[default]
    Json,
    /// `application/cbor`
    Cbor,
}

impl Format {
    /// The media type of documents.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::Cbor => CBOR,
        }
    }

    /// The media type of problems: RFC 9457 and RFC 9290.
    pub(super) fn problem_type(self) -> &'static str {
        match self {
            Self::Json => "application/problem+json",
            Self::Cbor => "application/concise-problem-details+cbor",
        }
    }

    /// The form of a request's body. Browsers cannot send the media types of JSON and CBOR to
    /// other sites unasked; other types count as JSON only where no browser speaks.
    pub(super) fn of_body(headers: &HeaderMap) -> Result<Self, HttpError> {
        let named = headers.get(header::CONTENT_TYPE).map(|value| value.to_str());
        let named = match named {
            None => "",
            Some(Ok(text)) => essence(text),
            Some(Err(_)) => return Err(HttpError::MediaType { got: "unreadable".to_owned() }),
        };
        let from_browser = headers.contains_key(header::ORIGIN);
        match named.to_ascii_lowercase().as_str() {
            JSON | "application/merge-patch+json" => Ok(Self::Json),
            CBOR => Ok(Self::Cbor),
            // What curl -d says of everything.
            "" | "application/x-www-form-urlencoded" if !from_browser => Ok(Self::Json),
            other => Err(HttpError::MediaType { got: other.to_owned() }),
        }
    }

    /// The form that the client wants most; JSON if it does not care.
    pub(super) fn accepted(headers: &HeaderMap) -> Result<Self, HttpError> {
        let ranges = ranges(headers);
        if ranges.is_empty() {
            return Ok(Self::Json);
        }
        let (json, cbor) = (quality(&ranges, JSON), quality(&ranges, CBOR));
        match (json, cbor) {
            (0, 0) => Err(HttpError::NotAcceptable),
            (json, cbor) if cbor > json => Ok(Self::Cbor),
            _ => Ok(Self::Json),
        }
    }

    /// The form of problems that the client can read best; never refuses.
    pub(super) fn of_problems(headers: &HeaderMap) -> Self {
        let ranges = ranges(headers);
        let names = |format: Self| ranges.iter().any(|(name, _)| *name == format.problem_type());
        if names(Self::Json) {
            Self::Json
        } else if names(Self::Cbor) {
            Self::Cbor
        } else {
            Self::accepted(headers).unwrap_or_default()
        }
    }
}

const JSON: &str = "application/json";
const CBOR: &str = "application/cbor";

/// Whether the client asks for this media type by name.
pub(super) fn names(headers: &HeaderMap, media_type: &str) -> bool {
    ranges(headers).iter().any(|(name, quality)| name == media_type && *quality > 0)
}

/// The ranges of `Accept` with their quality in thousandths.
fn ranges(headers: &HeaderMap) -> Vec<(String, u32)> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(','));
    let range = |range: &str| {
        let name = essence(range).to_ascii_lowercase();
        let mut parameters = range.split(';').skip(1).map(str::trim);
        let quality = parameters.find_map(|parameter| parameter.strip_prefix("q="));
        (name, quality.map_or(1000, thousandths))
    };
    ranges.map(range).filter(|(name, _)| !name.is_empty()).collect()
}

/// `0.5` as 500; what cannot be read counts as wanted.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), digits.parse::<u32>()) {
        (Ok(whole), Ok(part)) => whole.saturating_mul(1000).saturating_add(part).min(1000),
        _ => 1000,
    }
}

/// The most exact range decides.
fn quality(ranges: &[(String, u32)], media_type: &str) -> u32 {
    let of = |wanted: &str| ranges.iter().find(|(name, _)| name == wanted).map(|(_, q)| *q);
    of(media_type).or_else(|| of("application/*")).or_else(|| of("*/*")).unwrap_or(0)
}

/// A media type without its parameters.
fn essence(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_most_wanted_form_is_answered() {
        let accepted = |value| Format::accepted(&headers(header::ACCEPT, value)).ok();
        for (accept, format) in [
            ("*/*", Some(Format::Json)),
            ("application/cbor", Some(Format::Cbor)),
            ("application/json;q=0.5, application/cbor", Some(Format::Cbor)),
            ("application/cbor;q=0.5, application/*", Some(Format::Json)),
            ("application/json;q=0, */*", Some(Format::Cbor)),
            ("Application/JSON; charset=utf-8", Some(Format::Json)),
            ("text/html, */*;q=0.1", Some(Format::Json)),
            ("text/html", None),
            ("application/json;q=0", None),
        ] {
            assert_eq!(accepted(accept), format, "{accept}");
        }
        assert_eq!(Format::accepted(&HeaderMap::new()).unwrap(), Format::Json);
    }

    #[test]
    fn problems_come_in_a_form_that_the_client_names() {
        let form = |value| Format::of_problems(&headers(header::ACCEPT, value));
        assert_eq!(form("application/cbor"), Format::Cbor);
        assert_eq!(form("application/cbor, application/problem+json"), Format::Json);
        assert_eq!(
            form("application/json, application/concise-problem-details+cbor"),
            Format::Cbor
        );
        assert_eq!(form("text/html"), Format::Json);
    }

    #[test]
    fn bodies_are_json_or_cbor_and_curls_default_is_json_unless_a_browser_sends_it() {
        let of_body = |value| Format::of_body(&headers(header::CONTENT_TYPE, value)).ok();
        assert_eq!(of_body("application/json; charset=utf-8"), Some(Format::Json));
        assert_eq!(of_body("application/merge-patch+json"), Some(Format::Json));
        assert_eq!(of_body("application/cbor"), Some(Format::Cbor));
        assert_eq!(of_body("text/csv"), None);
        assert_eq!(of_body("application/x-www-form-urlencoded"), Some(Format::Json));
        let mut forged = headers(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        forged.insert(header::ORIGIN, HeaderValue::from_static("https://elsewhere.example"));
        assert!(Format::of_body(&forged).is_err());
        forged.remove(header::CONTENT_TYPE);
        assert!(Format::of_body(&forged).is_err());
    }
}
