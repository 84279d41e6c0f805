package io.steelyard.feed.web;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.DoubleSupplier;

/** What Prometheus can ask for. Places of the site are counted by their route, not by address. */
public final class Metrics {

  /** Type of the text. */
  static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final PrometheusRegistry registry = new PrometheusRegistry();

  private final Counter requests =
      Counter.builder()
          .name("steelyard_requests_total")
          .help("Requests by route, method and status.")
          .labelNames("route", "method", "status")
          .register(registry);

  private final Histogram seconds =
      Histogram.builder()
          .name("steelyard_request_seconds")
          .help("Time from request to reply by kind of place.")
          .labelNames("kind")
          .classicOnly()
          .classicUpperBounds(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
          .register(registry);

  private final Counter hits =
      Counter.builder()
          .name("steelyard_cached_replies_total")
          .help("Replies that were ready in memory.")
          .register(registry);

  /** Adds a number that is read when it is asked for. */
  public void gauge(String name, String help, DoubleSupplier value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call(value.getAsDouble()))
        .register(registry);
  }

  void count(String route, String kind, String method, int status, double millis) {
    requests.labelValues(route, method, Integer.toString(status)).inc();
    seconds.labelValues(kind.toLowerCase(Locale.ROOT)).observe(millis / 1000);
  }

  void hit() {
    hits.inc();
  }

  /** All of it in Prometheus' text format. */
  public String text() {
    final ByteArrayOutputStream out = new ByteArrayOutputStream(8192);
    try {
      PrometheusTextFormatWriter.create().write(out, registry.scrape());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write metrics into memory", e);
    }
    return out.toString(StandardCharsets.UTF_8);
  }
}
