package io.steelyard.papers.data;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A web server on the local machine that serves bytes by name and can be told to misbehave. */
final class FileServer implements AutoCloseable {

  /** A request, and the first byte it asked for. */
  record Request(String file, Optional<String> range) {}

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<String, byte[]> contents = new ConcurrentHashMap<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private volatile HttpHandler handler = this::serve;

  FileServer(Map<String, byte[]> contents) {
    this.contents.putAll(contents);
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (final IOException failure) {
      throw new UncheckedIOException("cannot open a local server", failure);
    }
    server.setExecutor(threads);
    server.createContext(
        "/",
        exchange -> {
          requests.add(
              new Request(
                  name(exchange),
                  Optional.ofNullable(exchange.getRequestHeaders().getFirst("Range"))));
          try (exchange) {
            handler.handle(exchange);
          }
        });
    server.start();
  }

  /** Answers differently from now on. */
  void answer(HttpHandler other) {
    handler = other;
  }

  /** The folder that everything is served from. */
  URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/files/");
  }

  /** Requests so far. */
  List<Request> requests() {
    return requests;
  }

  byte[] content(HttpExchange exchange) {
    return contents.get(name(exchange));
  }

  /** What a good server does: ranges honoured, unknown files refused. */
  void serve(HttpExchange exchange) throws IOException {
    final byte[] content = content(exchange);
    if (content == null) {
      exchange.sendResponseHeaders(404, -1);
      return;
    }
    final int from = from(exchange);
    if (from >= content.length) {
      exchange.sendResponseHeaders(416, -1);
      return;
    }
    if (from > 0) {
      exchange
          .getResponseHeaders()
          .add(
              "Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
    }
    exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
    exchange.getResponseBody().write(content, from, content.length - from);
  }

  static int from(HttpExchange exchange) {
    final String range = exchange.getRequestHeaders().getFirst("Range");
    return range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
  }

  private static String name(HttpExchange exchange) {
    final String path = exchange.getRequestURI().getPath();
    return path.substring(path.lastIndexOf('/') + 1);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
