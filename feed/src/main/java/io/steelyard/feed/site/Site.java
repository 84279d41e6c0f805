package io.steelyard.feed.site;

import io.javalin.http.Context;
import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.evidence.Results;
import io.steelyard.feed.mail.Postman;
import io.steelyard.feed.mail.Smtp;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.paper.ShippedPapers;
import io.steelyard.feed.playground.Bench;
import io.steelyard.feed.search.Librarian;
import io.steelyard.feed.search.Library;
import io.steelyard.feed.web.Assets;
import io.steelyard.feed.web.Metrics;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Server;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A running site.
 *
 * <pre>{@code
 * try (Site site = Site.start(Settings.with(Map.of(Setting.PORT, "0")))) {
 *   System.out.println(site.address());
 * }
 * }</pre>
 */
public final class Site implements AutoCloseable {

  private static final List<String> ASSETS =
      List.of("site.css", "theme.js", "site.js", "try.js", "icon.svg");

  private static final String BEARER = "Bearer ";

  private final Database database;
  private final Librarian librarian;
  private final Bench bench;
  private final Server server;
  private final House house;
  private final Optional<Postman> postman;
  private final Routine routine;
  private final Source source;

  private Site(
      Database database,
      Librarian librarian,
      Bench bench,
      Server server,
      House house,
      Optional<Postman> postman,
      Routine routine,
      Source source) {
    this.source = source;
    this.postman = postman;
    this.routine = routine;
    this.database = database;
    this.librarian = librarian;
    this.bench = bench;
    this.server = server;
    this.house = house;
  }

  /**
   * Opens the database, adds the papers of the collection that are missing, and starts to listen.
   *
   * @throws IllegalStateException if the database cannot be opened; the message says what to do
   */
  public static Site start(Settings settings) {
    final AtomicInteger port = new AtomicInteger(settings.whole(Setting.PORT));
    // Run files are read while the database opens: each takes about a third of the start.
    final CompletableFuture<Results> results =
        CompletableFuture.supplyAsync(
            () -> new Results(Path.of(settings.text(Setting.RUNS))),
            work -> Thread.ofPlatform().name("results").daemon().start(work));
    final Database database = Database.open(settings);
    try {
      addShipped(database);
      final Assets assets = new Assets(ASSETS);
      final Optional<Postman> postman =
          settings
              .optional(Setting.MAIL_HOST)
              .map(_ -> Postman.start(database, new Smtp(settings)));
      final House house =
          new House(
              settings,
              database,
              finished(results),
              assets,
              port::get,
              () -> postman.ifPresent(Postman::ring));
      final Metrics metrics = new Metrics();
      final Librarian librarian =
          Librarian.start(database, settings.folderBesideDatabase(), settings.flag(Setting.LEARN));
      final Library library = librarian.library();
      final Bench bench = new Bench(settings);
      final Source source = Source.of(settings);
      final Searching searching = new Searching(house, library);
      final Reading reading = new Reading(house, library::near, Talking::views);
      final List<Route> routes = new ArrayList<>();
      routes.addAll(reading.routes());
      routes.addAll(searching.routes());
      routes.addAll(new Api(house, searching).routes());
      routes.addAll(new Syndicating(house, searching).routes());
      routes.addAll(new Trying(house, bench).routes());
      routes.addAll(new Joining(house).routes());
      routes.addAll(new Talking(house).routes());
      routes.addAll(new Submitting(house, source).routes());
      routes.addAll(new Correcting(house).routes());
      routes.addAll(new Moderating(house).routes());
      routes.addAll(new Subscribing(house).routes());
      routes.addAll(new Operating(house, metrics).routes());
      routes.add(assets.route());
      final Server server =
          new Server(
              settings,
              routes,
              context -> admit(database, context),
              reading::refused,
              () ->
                  database.version()
                      + "."
                      + house.results().now().number()
                      + "."
                      + library.edition(),
              metrics);
      port.set(server.start());
      return new Site(
          database,
          librarian,
          bench,
          server,
          house,
          postman,
          Routine.start(settings, database, house, source),
          source);
    } catch (RuntimeException e) {
      database.close();
      throw e;
    }
  }

  private static Results finished(CompletableFuture<Results> results) {
    try {
      return results.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  /** Its address. */
  public String address() {
    return house.address();
  }

  /** Its database. */
  public Database database() {
    return database;
  }

  /** What it answers to. */
  public List<Route> routes() {
    return server.routes();
  }

  /** Ends what is being answered, then stops. */
  @Override
  public void close() {
    server.close();
    routine.close();
    source.web().close();
    postman.ifPresent(Postman::close);
    bench.close();
    librarian.close();
    database.close();
  }

  /** Whose cookie or API token it is. */
  private static Optional<Server.Admitted> admit(Database database, Context context) {
    final String cookie = context.cookie(Cookies.SESSION);
    if (cookie != null && !cookie.isEmpty()) {
      return database
          .read(handle -> new Accounts(handle).session(cookie))
          .map(session -> new Server.Admitted(session.viewer(), session.csrf()));
    }
    final String bearer = context.header("Authorization");
    if (bearer != null && bearer.startsWith(BEARER)) {
      final String token = bearer.substring(BEARER.length()).strip();
      // No form can be sent with a token of the API: it has no token of forms.
      return database
          .read(handle -> new Accounts(handle).holder(Accounts.Ticket.API, token))
          .map(account -> new Server.Admitted(account.viewer(), ""));
    }
    return Optional.empty();
  }

  private static void addShipped(Database database) {
    final List<Publication> shipped = ShippedPapers.all();
    final Set<ArxivId> known =
        database.read(
            handle ->
                new Publications(handle).known(shipped.stream().map(Publication::id).toList()));
    final List<Publication> missing =
        shipped.stream().filter(paper -> !known.contains(paper.id())).toList();
    if (!missing.isEmpty()) {
      database.write(
          handle -> {
            final Publications store = new Publications(handle);
            missing.forEach(store::take);
            return missing.size();
          });
    }
  }
}
