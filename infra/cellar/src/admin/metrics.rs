//! `/metrics`: everything recorded through OpenTelemetry, as Prometheus text.

use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder, Registry, TextEncoder};

/// The process's metrics.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// Makes this process's meters report here. Call once, before any meter is used.
    pub(crate) fn install() -> anyhow::Result<Self> {
        let registry = Registry::new();
        let exporter =
            opentelemetry_prometheus::exporter().with_registry(registry.clone()).build()?;
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        opentelemetry::global::set_meter_provider(provider);
        Ok(Self { registry })
    }

    /// Prometheus text exposition format.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        Ok(String::from_utf8(out)?)
    }
}
