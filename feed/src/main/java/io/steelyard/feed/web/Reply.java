package io.steelyard.feed.web;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;

/** What a request is answered with: immutable, so that one may answer many. */
public final class Reply {

  private static final int TAG_BYTES = 12;
  private static final int WORTH_PACKING = 1024;

  private final int status;
  private final String type;
  private final byte[] body;
  private final Keep keep;
  private final Map<String, String> headers;
  private volatile Optional<byte[]> packed = Optional.empty();
  private volatile Optional<String> tag = Optional.empty();

  /** How long others may keep a reply. */
  public enum Keep {
    /** Not at all: it is one person's, or a secret. */
    NEVER("private, no-store"),
    /** Its owner may, but has to ask whether it still holds. */
    PRIVATE("private, no-cache"),
    /** A minute without asking, then has to ask. */
    SHORTLY("public, max-age=60, stale-while-revalidate=600"),
    /** For good: its address changes with its content. */
    FOREVER("public, max-age=31536000, immutable");

    private final String header;

    Keep(String header) {
      this.header = header;
    }

    /** The value of {@code Cache-Control}. */
    public String header() {
      return header;
    }
  }

  private Reply(int status, String type, byte[] body, Keep keep, Map<String, String> headers) {
    this.status = status;
    this.type = type;
    this.body = body;
    this.keep = keep;
    this.headers = Map.copyOf(headers);
  }

  /** A page. */
  public static Reply html(byte[] page) {
    return new Reply(200, "text/html; charset=utf-8", page, Keep.SHORTLY, Map.of());
  }

  /** A JSON document. */
  public static Reply json(String document) {
    return text("application/json; charset=utf-8", document);
  }

  /** Text of a type. */
  public static Reply text(String type, String text) {
    return new Reply(200, type, text.getBytes(StandardCharsets.UTF_8), Keep.SHORTLY, Map.of());
  }

  /** Bytes of a type. */
  public static Reply bytes(String type, byte[] bytes) {
    return new Reply(200, type, bytes, Keep.SHORTLY, Map.of());
  }

  /** Sends a reader on with a GET. */
  public static Reply seeOther(String address) {
    return new Reply(303, "text/plain; charset=utf-8", new byte[0], Keep.NEVER, Map.of())
        .with("Location", address);
  }

  /** Sends a reader to the place that this address means now. */
  public static Reply found(String address) {
    return new Reply(302, "text/plain; charset=utf-8", new byte[0], Keep.SHORTLY, Map.of())
        .with("Location", address);
  }

  /** The same with another status. */
  public Reply status(int other) {
    return new Reply(other, type, body, other >= 400 ? Keep.NEVER : keep, headers);
  }

  /** The same, kept otherwise. */
  public Reply keep(Keep other) {
    return new Reply(status, type, body, other, headers);
  }

  /** The same with one header more. */
  public Reply with(String name, String value) {
    final Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new Reply(status, type, body, keep, more);
  }

  /** HTTP status. */
  public int status() {
    return status;
  }

  /** Media type. */
  public String type() {
    return type;
  }

  /** Its bytes; not to be changed. */
  public byte[] body() {
    return body;
  }

  /** How long it may be kept. */
  public Keep keep() {
    return keep;
  }

  /** Further headers. */
  public Map<String, String> headers() {
    return headers;
  }

  /** Its bytes as gzip, where that is worth it. */
  public Optional<byte[]> packed() {
    if (body.length < WORTH_PACKING || !isText()) {
      return Optional.empty();
    }
    if (packed.isEmpty()) {
      packed = Optional.of(pack(body));
    }
    return packed;
  }

  /** A weak entity tag: the same for plain and packed bytes. */
  public String tag() {
    if (tag.isEmpty()) {
      tag = Optional.of(hash(body));
    }
    return "W/\"" + tag.get() + "\"";
  }

  /** What it takes up while it is kept. */
  public int size() {
    return body.length + packed.map(bytes -> bytes.length).orElse(0);
  }

  /** A short hash of content, for tags and addresses. */
  static String hash(byte[] content) {
    try {
      final byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      return HexFormat.of().formatHex(digest, 0, TAG_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** How long a page may be served from memory, whatever is written elsewhere. */
  static Duration freshness() {
    return Duration.ofSeconds(60);
  }

  private boolean isText() {
    return type.startsWith("text/")
        || type.contains("json")
        || type.contains("xml")
        || type.contains("javascript");
  }

  private static byte[] pack(byte[] bytes) {
    final ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length / 3);
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot pack bytes in memory", e);
    }
    return out.toByteArray();
  }
}
