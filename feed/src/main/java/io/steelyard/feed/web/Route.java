package io.steelyard.feed.web;

import java.util.function.Function;

/**
 * A place of the site.
 *
 * @param method GET, POST or DELETE
 * @param path without base path, parts in braces
 * @param kind what is there
 * @param answer what a request gets
 */
public record Route(Method method, String path, Kind kind, Function<Visit, Reply> answer) {

  /** What may be done with a place. */
  public enum Method {
    /** Read. */
    GET,
    /** Change. */
    POST,
    /** Remove. */
    DELETE
  }

  /** What is at a place. */
  public enum Kind {
    /** A page for people, the same for all who are not signed in. */
    PAGE,
    /** A page that is never the same, or a secret. */
    PERSONAL,
    /** A form that changes something. */
    FORM,
    /** JSON for programs. */
    API,
    /** JSON for programs that is computed for each call. */
    CALL,
    /** A feed, a map, a bibliography entry. */
    DOCUMENT,
    /** A style sheet or script. */
    ASSET,
    /** For whoever runs the site. */
    OPERATION
  }

  /** A page that readers share. */
  public static Route page(String path, Function<Visit, Reply> answer) {
    return new Route(Method.GET, path, Kind.PAGE, answer);
  }

  /** A page of one person. */
  public static Route personal(String path, Function<Visit, Reply> answer) {
    return new Route(Method.GET, path, Kind.PERSONAL, answer);
  }

  /** A form. */
  public static Route form(String path, Function<Visit, Reply> answer) {
    return new Route(Method.POST, path, Kind.FORM, answer);
  }

  /** A call of the API that reads. */
  public static Route api(String path, Function<Visit, Reply> answer) {
    return new Route(Method.GET, path, Kind.API, answer);
  }

  /** A document. */
  public static Route document(String path, Function<Visit, Reply> answer) {
    return new Route(Method.GET, path, Kind.DOCUMENT, answer);
  }

  /** Whether readers who are not signed in all get the same. */
  public boolean shared() {
    return method == Method.GET && (kind == Kind.PAGE || kind == Kind.API || kind == Kind.DOCUMENT);
  }
}
