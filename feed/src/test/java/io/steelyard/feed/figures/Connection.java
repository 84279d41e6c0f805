package io.steelyard.feed.figures;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A connection that is kept open and costs next to nothing: the site and its readers share the
 * machine that is measured.
 */
final class Connection implements Closeable {

  private final Socket socket;
  private final InputStream in;
  private final String host;
  private String cookie = "";

  /** What came back; the body only where it was asked for. */
  record Answer(int status, String body) {}

  Connection(URI site) throws IOException {
    this.host = site.getHost() + ":" + site.getPort();
    this.socket = new Socket(site.getHost(), site.getPort());
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(30_000);
    this.in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
  }

  /** Reads a page as browsers do, packed, and throws its bytes away. */
  int get(String path) throws IOException {
    send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAccept-Encoding: gzip\r\n", "");
    return receive(false).status();
  }

  /** Reads a page as text. */
  String text(String path) throws IOException {
    send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n", "");
    return receive(true).body();
  }

  /** Sends a form: names and values. */
  int post(String path, String... fields) throws IOException {
    final StringBuilder form = new StringBuilder();
    for (int i = 0; i < fields.length; i += 2) {
      form.append(i == 0 ? "" : "&")
          .append(fields[i])
          .append('=')
          .append(URLEncoder.encode(fields[i + 1], StandardCharsets.UTF_8));
    }
    send(
        "POST "
            + path
            + " HTTP/1.1\r\nHost: "
            + host
            + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
            + form.length()
            + "\r\n",
        form.toString());
    return receive(false).status();
  }

  private void send(String head, String body) throws IOException {
    final String session = cookie.isEmpty() ? "" : "Cookie: " + cookie + "\r\n";
    socket
        .getOutputStream()
        .write((head + session + "\r\n" + body).getBytes(StandardCharsets.UTF_8));
  }

  private Answer receive(boolean keep) throws IOException {
    final int status = Integer.parseInt(line().split(" ", 3)[1]);
    int length = 0;
    String header = line();
    while (!header.isEmpty()) {
      final int colon = header.indexOf(':');
      final String value = header.substring(colon + 1).strip();
      switch (header.substring(0, colon).toLowerCase(Locale.ROOT)) {
        case "content-length" -> length = Integer.parseInt(value);
        case "set-cookie" -> cookie = value.substring(0, value.indexOf(';'));
        default -> {
          // Of no interest here.
        }
      }
      header = line();
    }
    if (keep) {
      return new Answer(status, new String(in.readNBytes(length), StandardCharsets.UTF_8));
    }
    in.skipNBytes(length);
    return new Answer(status, "");
  }

  private String line() throws IOException {
    final StringBuilder line = new StringBuilder();
    int c = in.read();
    while (c != '\n') {
      if (c < 0) {
        throw new EOFException("the site has closed the connection");
      }
      if (c != '\r') {
        line.append((char) c);
      }
      c = in.read();
    }
    return line.toString();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
