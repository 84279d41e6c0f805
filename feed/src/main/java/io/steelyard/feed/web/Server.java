package io.steelyard.feed.web;

import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.steelyard.feed.account.Tokens;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.eclipse.jetty.server.AbstractConnector;
import org.eclipse.jetty.server.Connector;

/**
 * Serves routes over HTTP: looks up who is signed in, refuses forms from elsewhere, answers from
 * memory what many ask for, and gives every reply its security headers, entity tag and packing.
 */
public final class Server implements AutoCloseable {

  private static final long LARGEST_BODY = 1L << 20;
  private static final int LARGEST_HEAD = 16 << 10;
  private static final long IDLE_MILLIS = 30_000;
  private static final long GRACE_MILLIS = 10_000;

  private static final String POLICY =
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
          + " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

  private final Settings settings;
  private final List<Route> routes;
  private final Doorman doorman;
  private final ErrorPage errors;
  private final Supplier<String> version;
  private final ReplyCache cache = new ReplyCache();
  private final RateLimits limits;
  private final Metrics metrics;
  private final AccessLog log;
  private final Javalin javalin;

  /** Knows who is behind a request. */
  public interface Doorman {

    /** Who is signed in, with the token of their forms. */
    Optional<Admitted> admit(Context context);

    /** Nobody ever is. */
    static Doorman none() {
      return _ -> Optional.empty();
    }
  }

  /** Somebody whose session is good. */
  public record Admitted(Viewer viewer, String csrf) {}

  /** Makes the page that a person gets when something is refused. */
  public interface ErrorPage {

    /** The page. */
    Reply of(Visit visit, int status, String sentence);
  }

  /**
   * A server, not yet listening.
   *
   * @param version changes when what shared pages show may have changed
   */
  public Server(
      Settings settings,
      List<Route> routes,
      Doorman doorman,
      ErrorPage errors,
      Supplier<String> version,
      Metrics metrics) {
    this.settings = settings;
    this.routes = List.copyOf(routes);
    this.doorman = doorman;
    this.errors = errors;
    this.version = version;
    this.metrics = metrics;
    this.limits = new RateLimits(settings);
    this.log = AccessLog.to(settings.text(Setting.ACCESS_LOG));
    this.javalin = Javalin.create(this::configure);
  }

  /** Starts listening and returns the port. */
  public int start() {
    javalin.start(settings.text(Setting.HOST), settings.whole(Setting.PORT));
    return javalin.port();
  }

  /** The routes, for tests that hold descriptions to them. */
  public List<Route> routes() {
    return routes;
  }

  /** Ends what is being answered, then stops. */
  @Override
  public void close() {
    javalin.stop();
    log.close();
  }

  private void configure(JavalinConfig config) {
    config.startup.showJavalinBanner = false;
    config.startup.showOldJavalinVersionWarning = false;
    config.startup.startupWatcherEnabled = false;
    config.concurrency.useVirtualThreads = true;
    config.http.compressionStrategy = CompressionStrategy.NONE;
    config.http.maxRequestSize = LARGEST_BODY;
    config.http.generateEtags = false;
    config.http.prefer405over404 = true;
    config.router.contextPath = settings.basePath().isEmpty() ? "/" : settings.basePath();
    config.router.ignoreTrailingSlashes = true;
    config.jetty.modifyHttpConfiguration(
        http -> {
          http.setSendServerVersion(false);
          http.setSendDateHeader(true);
          http.setRequestHeaderSize(LARGEST_HEAD);
          http.setIdleTimeout(IDLE_MILLIS);
        });
    config.jetty.modifyServer(
        server -> {
          server.setStopTimeout(GRACE_MILLIS);
          for (final Connector connector : server.getConnectors()) {
            if (connector instanceof AbstractConnector open) {
              open.setIdleTimeout(IDLE_MILLIS);
            }
          }
        });
    for (final Route route : routes) {
      listen(config, route, route.path());
    }
    // Old arXiv ids have a slash in them; every other place comes first.
    routes.stream()
        .filter(route -> route.path().contains(Visit.PAPER))
        .forEach(route -> listen(config, route, route.path().replace(Visit.PAPER, Visit.OLD)));
    config.routes.error(404, context -> stray(context, 404, "there is nothing at this address"));
    config.routes.error(405, context -> stray(context, 405, "this place cannot be used that way"));
    config.routes.error(413, context -> stray(context, 413, "the body is too long"));
    config.routes.exception(Exception.class, this::failed);
  }

  private void listen(JavalinConfig config, Route route, String path) {
    if (route.method() == Route.Method.GET) {
      // Javalin answers a HEAD without asking the route; its headers would be missing.
      config.routes.addHttpHandler(HandlerType.HEAD, path, context -> serve(context, route));
    }
    config.routes.addHttpHandler(
        switch (route.method()) {
          case GET -> HandlerType.GET;
          case POST -> HandlerType.POST;
          case DELETE -> HandlerType.DELETE;
        },
        path,
        context -> serve(context, route));
  }

  private void serve(Context context, Route route) {
    final long start = System.nanoTime();
    final Reply reply = answer(context, route);
    final long bytes = write(context, reply);
    context.attribute("answered", true);
    done(context, route.path(), route.kind().name(), reply.status(), bytes, start);
  }

  private Reply answer(Context context, Route route) {
    final String address = address(context);
    final Visit nobody = new Visit(context, address, Optional.empty(), "");
    Visit visit = nobody;
    try {
      final Optional<Reply> tooMany = limits.check(address, route);
      if (tooMany.isPresent()) {
        return tooMany.get();
      }
      if (route.kind() != Route.Kind.ASSET && route.kind() != Route.Kind.OPERATION) {
        visit =
            doorman
                .admit(context)
                .map(who -> new Visit(context, address, Optional.of(who.viewer()), who.csrf()))
                .orElse(nobody);
      }
      if (route.method() != Route.Method.GET) {
        refuseForeign(visit, route);
      }
      if (route.shared() && visit.viewer().isEmpty()) {
        return shared(visit, route);
      }
      final Reply reply = route.answer().apply(visit);
      return route.method() == Route.Method.GET && reply.keep() == Reply.Keep.SHORTLY
          ? reply.keep(Reply.Keep.PRIVATE)
          : reply;
    } catch (final Refusal refusal) {
      return refuse(visit, refusal.status(), refusal.getMessage());
    }
  }

  private Reply shared(Visit visit, Route route) {
    final String query = visit.context().queryString();
    final String key = visit.path() + (query == null ? "" : "?" + query);
    final String now = version.get();
    final Optional<Reply> ready = cache.find(key, now);
    if (ready.isPresent()) {
      metrics.hit();
      return ready.get();
    }
    final Reply made = route.answer().apply(visit);
    if (made.keep() == Reply.Keep.SHORTLY) {
      cache.keep(key, now, made);
    }
    return made;
  }

  /**
   * A form has to come from a page of this site. Browsers say where a POST is from; a client that
   * says nothing has no cookies of a browser to misuse, and needs the token of its session anyway.
   */
  private void refuseForeign(Visit visit, Route route) {
    final Optional<String> site = visit.header("Sec-Fetch-Site");
    if (site.isPresent() && !site.get().equals("same-origin") && !site.get().equals("none")) {
      throw new Refusal(403, "this form was sent from another site");
    }
    final Optional<String> origin = visit.header("Origin");
    if (origin.isPresent() && !origins(visit).contains(origin.get())) {
      throw new Refusal(403, "this form was sent from another site");
    }
    if (route.kind() == Route.Kind.FORM
        && visit.viewer().isPresent()
        && !Tokens.same(visit.csrf(), visit.form("csrf"))) {
      throw new Refusal(403, "this form is out of date; go back, reload the page and try again");
    }
  }

  private List<String> origins(Visit visit) {
    final String host = Optional.ofNullable(visit.context().header("Host")).orElse("");
    final Optional<String> own =
        settings.optional(Setting.URL).map(url -> url.replaceFirst("^(https?://[^/]+).*$", "$1"));
    return own.map(url -> List.of(url, "http://" + host, "https://" + host))
        .orElse(List.of("http://" + host, "https://" + host));
  }

  private Reply refuse(Visit visit, int status, String sentence) {
    final String path = visit.path();
    if (path.startsWith("/api/")) {
      return Reply.json(Json.object("error", sentence)).status(status);
    }
    return errors.of(visit, status, sentence).status(status);
  }

  private void stray(Context context, int status, String sentence) {
    if (context.attribute("answered") != null) {
      return;
    }
    final long start = System.nanoTime();
    final Visit visit = new Visit(context, address(context), Optional.empty(), "");
    final long bytes = write(context, refuse(visit, status, sentence));
    done(context, "(none)", "stray", status, bytes, start);
  }

  private void failed(Exception failure, Context context) {
    final long start = System.nanoTime();
    final Visit visit = new Visit(context, address(context), Optional.empty(), "");
    final int status = failure instanceof IllegalArgumentException ? 400 : 500;
    System.getLogger(Server.class.getName())
        .log(
            status == 500 ? System.Logger.Level.ERROR : System.Logger.Level.DEBUG,
            context.method() + " " + context.path() + " failed",
            failure);
    final String sentence =
        status == 400
            ? String.valueOf(failure.getMessage())
            : "something went wrong here; it has been logged";
    final long bytes = write(context, refuse(visit, status, sentence));
    context.attribute("answered", true);
    done(context, "(failed)", "failed", status, bytes, start);
  }

  private void done(
      Context context, String route, String kind, int status, long bytes, long start) {
    final double millis = (System.nanoTime() - start) / 1e6;
    metrics.count(route, kind, context.method().name(), status, millis);
    log.write(
        new AccessLog.Entry(
            address(context),
            context.method().name(),
            context.req().getRequestURI(),
            status,
            bytes,
            millis,
            Optional.ofNullable(context.header("User-Agent")).orElse(""),
            Optional.ofNullable(context.header("Referer")).orElse("")));
  }

  private long write(Context context, Reply reply) {
    final var response = context.res();
    context.header("Content-Security-Policy", POLICY);
    context.header("X-Content-Type-Options", "nosniff");
    context.header("Referrer-Policy", "strict-origin-when-cross-origin");
    context.header("Cross-Origin-Opener-Policy", "same-origin");
    context.header("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
    if (isSecure(context)) {
      context.header("Strict-Transport-Security", "max-age=31536000");
    }
    context.header("Cache-Control", reply.keep().header());
    reply.headers().forEach(context::header);
    if (reply.keep() != Reply.Keep.NEVER && reply.keep() != Reply.Keep.FOREVER) {
      context.header("Vary", "Accept-Encoding, Cookie");
    }
    final boolean tagged = reply.status() == 200 && reply.keep() != Reply.Keep.NEVER;
    if (tagged) {
      context.header("ETag", reply.tag());
      if (matches(context.header("If-None-Match"), reply.tag())) {
        response.setStatus(304);
        return 0;
      }
    }
    response.setStatus(reply.status());
    response.setContentType(reply.type());
    final String accepted = Optional.ofNullable(context.header("Accept-Encoding")).orElse("");
    byte[] bytes = reply.body();
    if (accepted.contains("gzip")) {
      final Optional<byte[]> packed = reply.packed();
      if (packed.isPresent()) {
        context.header("Content-Encoding", "gzip");
        bytes = packed.get();
      }
    }
    response.setContentLength(bytes.length);
    if (context.method().equals(HandlerType.HEAD)) {
      return 0;
    }
    try {
      response.getOutputStream().write(bytes);
    } catch (IOException e) {
      // The client has gone: no fault of ours, and nobody to tell.
      System.getLogger(Server.class.getName())
          .log(System.Logger.Level.DEBUG, "the client has gone", e);
      return 0;
    }
    return bytes.length;
  }

  private static boolean matches(String given, String tag) {
    return given != null
        && (given.equals("*") || List.of(given.split("\\s*,\\s*", -1)).contains(tag));
  }

  private boolean isSecure(Context context) {
    return settings.text(Setting.URL).startsWith("https://")
        || (settings.flag(Setting.PROXY) && "https".equals(context.header("X-Forwarded-Proto")));
  }

  /** The last address that the proxy added; what a client wrote before it is hearsay. */
  private String address(Context context) {
    final String forwarded = context.header("X-Forwarded-For");
    if (settings.flag(Setting.PROXY) && forwarded != null) {
      return forwarded.substring(forwarded.lastIndexOf(',') + 1).strip();
    }
    return context.req().getRemoteAddr();
  }
}
