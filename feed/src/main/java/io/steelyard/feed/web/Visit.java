package io.steelyard.feed.web;

import io.javalin.http.Context;
import io.steelyard.feed.account.Viewer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One request.
 *
 * @param context as the server hands it over
 * @param address of the client, as far as it can be known
 * @param viewer who is signed in
 * @param csrf the token that this session's forms carry, empty for nobody
 */
public record Visit(Context context, String address, Optional<Viewer> viewer, String csrf) {

  /** The part of a path that is the id of a paper. */
  static final String PAPER = "{id}";

  /** The same for an old id such as hep-th/9901001, which is two parts of an address. */
  static final String OLD = "{archive}/{number}";

  private static final int LONGEST_BODY = 1 << 20;

  /** Path without base path. */
  public String path() {
    final String path = context.req().getRequestURI();
    return path.substring(Math.min(path.length(), context.contextPath().length()));
  }

  /** A part of the path; that of a paper's id may have a slash in it. */
  public String part(String name) {
    final Map<String, String> parts = context.pathParamMap();
    if (PAPER.equals("{" + name + "}") && parts.containsKey("archive")) {
      return parts.get("archive") + "/" + parts.get("number");
    }
    return context.pathParam(name);
  }

  /** A parameter of the query that is not blank. */
  public Optional<String> query(String name) {
    return Optional.ofNullable(context.queryParam(name))
        .map(String::strip)
        .filter(s -> !s.isEmpty());
  }

  /** All values of a parameter of the query. */
  public List<String> queries(String name) {
    return context.queryParams(name);
  }

  /** A whole number in the query, between two others. */
  public int number(String name, int standard, int least, int most) {
    return query(name)
        .map(
            text -> {
              try {
                final int number = Integer.parseInt(text);
                if (number >= least && number <= most) {
                  return number;
                }
              } catch (NumberFormatException e) {
                // Said below.
              }
              throw new Refusal(
                  400,
                  name
                      + " is '"
                      + text
                      + "'; expected a whole number from "
                      + least
                      + " to "
                      + most);
            })
        .orElse(standard);
  }

  /** A field of the form, without blanks around it; empty if it is not there. */
  public String form(String name) {
    return Optional.ofNullable(context.formParam(name)).map(String::strip).orElse("");
  }

  /** A header. */
  public Optional<String> header(String name) {
    return Optional.ofNullable(context.header(name));
  }

  /** A cookie. */
  public Optional<String> cookie(String name) {
    return Optional.ofNullable(context.cookie(name));
  }

  /** The body as text; what is no UTF-8 is refused. */
  public String body() {
    final byte[] bytes = context.bodyAsBytes();
    if (bytes.length > LONGEST_BODY) {
      throw new Refusal(413, "the body is longer than " + LONGEST_BODY + " bytes");
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new Refusal(400, "the body is not UTF-8 text", e);
    }
  }

  /** Whoever is signed in, else the request is refused. */
  public Viewer signedIn() {
    return viewer.orElseThrow(() -> new Refusal(401, "this needs you to sign in"));
  }
}
