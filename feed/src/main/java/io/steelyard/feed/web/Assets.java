package io.steelyard.feed.web;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Style sheets, scripts and pictures. Their addresses have a hash of the content, so they keep. */
public final class Assets {

  private static final String FOLDER = "/io/steelyard/feed/asset/";

  private static final Map<String, String> TYPES =
      Map.of(
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "svg", "image/svg+xml; charset=utf-8");

  private final Map<String, String> paths = new LinkedHashMap<>();
  private final Map<String, Reply> replies = new LinkedHashMap<>();

  /** Loads the named ones from the class path. */
  public Assets(List<String> names) {
    for (final String name : names) {
      final byte[] content = load(name);
      final int dot = name.lastIndexOf('.');
      final String path = name.substring(0, dot) + "." + Reply.hash(content) + name.substring(dot);
      paths.put(name, "/assets/" + path);
      replies.put(
          path, Reply.bytes(TYPES.get(name.substring(dot + 1)), content).keep(Reply.Keep.FOREVER));
    }
  }

  /** Path of an asset by its name. */
  public String path(String name) {
    final String path = paths.get(name);
    if (path == null) {
      throw new IllegalArgumentException("there is no asset '" + name + "'");
    }
    return path;
  }

  /** Where they are served. */
  public Route route() {
    return new Route(
        Route.Method.GET, "/assets/{file}", Route.Kind.ASSET, visit -> at(visit.part("file")));
  }

  private Reply at(String path) {
    final Reply reply = replies.get(path);
    if (reply == null) {
      throw new Refusal(404, "there is nothing at this address");
    }
    return reply;
  }

  private static byte[] load(String name) {
    try (InputStream in = Assets.class.getResourceAsStream(FOLDER + name)) {
      if (in == null) {
        throw new IllegalStateException("the class path has no " + FOLDER + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + name + " from the class path", e);
    }
  }
}
