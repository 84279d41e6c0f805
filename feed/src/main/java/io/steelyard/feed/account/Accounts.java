package io.steelyard.feed.account;

import io.steelyard.feed.database.Times;
import jakarta.mail.internet.AddressException;
import jakarta.mail.internet.InternetAddress;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;

/** The accounts, their sessions and tickets, through one connection. */
public final class Accounts {

  /** How long a session lasts. */
  public static final Duration SESSION = Duration.ofDays(30);

  private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_-]{2,39}");
  private static final int LONGEST_EMAIL = 254;
  private static final String COLUMNS =
      "id, name, email, password, role, verified, created, closed";

  private final Handle handle;

  /** The accounts seen through this connection. */
  public Accounts(Handle handle) {
    this.handle = handle;
  }

  /** What a ticket is for. */
  public enum Ticket {
    /** Shows that an address is somebody's. */
    VERIFY(Duration.ofDays(2)),
    /** Sets a new password. */
    RESET(Duration.ofHours(1)),
    /** Lets a program use the API. */
    API(Duration.ofDays(365));

    private final Duration life;

    Ticket(Duration life) {
      this.life = life;
    }

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** A ticket as its owner sees it. */
  public record TicketView(String key, String note, Instant created, Instant expires) {}

  /** A session with whom it belongs to. */
  public record Session(Viewer viewer, String csrf) {}

  /** Whether a name may be taken: 3 to 40 letters, digits, '_' and '-', a letter first. */
  public static boolean isName(String name) {
    return NAME.matcher(name).matches();
  }

  /** The address as it is kept, if it is one. */
  public static Optional<String> email(String text) {
    final String email = text.strip().toLowerCase(Locale.ROOT);
    if (email.length() > LONGEST_EMAIL || !email.matches("[^\\s@<>\",;:]+@[^\\s@<>\",;:]+")) {
      return Optional.empty();
    }
    try {
      new InternetAddress(email, true).validate();
      return Optional.of(email);
    } catch (AddressException e) {
      return Optional.empty();
    }
  }

  /** Makes an account, or none if name or address is taken. */
  public Optional<Account> create(
      String name, String email, String passwordHash, Viewer.Role role, boolean verified) {
    final Instant now = Instant.now();
    final int made =
        handle
            .createUpdate(
                "INSERT INTO account (name, name_key, email, password, role, verified, created)"
                    + " VALUES (:name, :key, :email, :password, :role, :verified, :created)"
                    + " ON CONFLICT DO NOTHING")
            .bind("name", name)
            .bind("key", key(name))
            .bind("email", email)
            .bind("password", passwordHash)
            .bind("role", role.name().toLowerCase(Locale.ROOT))
            .bind("verified", verified ? Optional.of(Times.of(now)) : Optional.empty())
            .bind("created", Times.of(now))
            .execute();
    return made == 1 ? byName(name) : Optional.empty();
  }

  /** The account with this name, however it is capitalised. */
  public Optional<Account> byName(String name) {
    return one("name_key", key(name));
  }

  /** The account with this address. */
  public Optional<Account> byEmail(String email) {
    return one("email", email.strip().toLowerCase(Locale.ROOT));
  }

  /** The account that a person means by a name or an address. */
  public Optional<Account> meant(String nameOrEmail) {
    return nameOrEmail.contains("@") ? byEmail(nameOrEmail) : byName(nameOrEmail);
  }

  /** The account with this number. */
  public Optional<Account> byId(long id) {
    return handle
        .createQuery("SELECT " + COLUMNS + " FROM account WHERE id = :id")
        .bind("id", id)
        .map((row, _) -> read(row))
        .findOne();
  }

  /** The accounts with these names. */
  public List<Account> named(Collection<String> names) {
    return names.isEmpty()
        ? List.of()
        : handle
            .createQuery("SELECT " + COLUMNS + " FROM account WHERE name_key IN (<names>)")
            .bindList("names", names.stream().map(Accounts::key).distinct().toList())
            .map((row, _) -> read(row))
            .list();
  }

  /** All accounts, by name. */
  public List<Account> all() {
    return handle
        .createQuery("SELECT " + COLUMNS + " FROM account ORDER BY name_key")
        .map((row, _) -> read(row))
        .list();
  }

  /** Notes that the address is the account's. */
  public void verify(long account) {
    handle
        .createUpdate("UPDATE account SET verified = :now WHERE id = :id AND verified IS NULL")
        .bind("now", Times.of(Instant.now()))
        .bind("id", account)
        .execute();
  }

  /** Removes accounts whose addresses nobody confirmed in time, so that their names are free. */
  public void forgetUnverified(Instant now) {
    handle
        .createUpdate("DELETE FROM account WHERE verified IS NULL AND created < :before")
        .bind("before", Times.of(now.minus(Ticket.VERIFY.life)))
        .execute();
  }

  /** Sets a new password, and ends every session and open reset. */
  public void password(long account, String hash) {
    handle
        .createUpdate("UPDATE account SET password = :password WHERE id = :id")
        .bind("password", hash)
        .bind("id", account)
        .execute();
    endAll(account);
    handle.execute("DELETE FROM ticket WHERE account_id = ? AND kind = 'reset'", account);
  }

  /** Gives an account a role. */
  public void role(long account, Viewer.Role role) {
    handle.execute(
        "UPDATE account SET role = ? WHERE id = ?", role.name().toLowerCase(Locale.ROOT), account);
  }

  /** Suspends an account, or takes that back. */
  public void close(long account, boolean closed) {
    handle
        .createUpdate("UPDATE account SET closed = :at WHERE id = :id")
        .bind("at", closed ? Optional.of(Times.of(Instant.now())) : Optional.empty())
        .bind("id", account)
        .execute();
    endAll(account);
  }

  /** Removes an account and what belongs to it; its comments stay, without a name. */
  public void delete(long account) {
    handle.execute("DELETE FROM account WHERE id = ?", account);
  }

  /** Begins a session and returns its secret. */
  public String begin(long account) {
    final Instant now = Instant.now();
    handle
        .createUpdate("DELETE FROM session WHERE expires < :now")
        .bind("now", Times.of(now))
        .execute();
    final String token = Tokens.fresh();
    handle
        .createUpdate(
            "INSERT INTO session (token, account_id, csrf, created, expires)"
                + " VALUES (:token, :account, :csrf, :created, :expires)")
        .bind("token", Tokens.hashed(token))
        .bind("account", account)
        .bind("csrf", Tokens.fresh())
        .bind("created", Times.of(now))
        .bind("expires", Times.of(now.plus(SESSION)))
        .execute();
    return token;
  }

  /** The session of a secret, if it lasts and its account is usable. */
  public Optional<Session> session(String token) {
    return handle
        .createQuery(
            "SELECT a.id, a.name, a.role, s.csrf FROM session s"
                + " JOIN account a ON a.id = s.account_id"
                + " WHERE s.token = :token AND s.expires > :now AND a.closed IS NULL")
        .bind("token", Tokens.hashed(token))
        .bind("now", Times.of(Instant.now()))
        .map((row, _) -> new Session(viewer(row), row.getString("csrf")))
        .findOne();
  }

  /** Ends the session of a secret. */
  public void end(String token) {
    handle.execute("DELETE FROM session WHERE token = ?", Tokens.hashed(token));
  }

  /** Ends every session of an account. */
  public void endAll(long account) {
    handle.execute("DELETE FROM session WHERE account_id = ?", account);
  }

  /** Makes a ticket and returns its secret. */
  public String issue(Ticket kind, long account, String note) {
    final Instant now = Instant.now();
    handle
        .createUpdate("DELETE FROM ticket WHERE expires < :now")
        .bind("now", Times.of(now))
        .execute();
    final String token = Tokens.fresh();
    handle
        .createUpdate(
            "INSERT INTO ticket (token, account_id, kind, note, created, expires)"
                + " VALUES (:token, :account, :kind, :note, :created, :expires)")
        .bind("token", Tokens.hashed(token))
        .bind("account", account)
        .bind("kind", kind.label())
        .bind("note", note)
        .bind("created", Times.of(now))
        .bind("expires", Times.of(now.plus(kind.life)))
        .execute();
    return token;
  }

  /** Whose a ticket is, if it is good. */
  public Optional<Account> holder(Ticket kind, String token) {
    return handle
        .createQuery(
            "SELECT a.id, a.name, a.email, a.password, a.role, a.verified, a.created, a.closed"
                + " FROM ticket t JOIN account a ON a.id = t.account_id"
                + " WHERE t.token = :token AND t.kind = :kind AND t.expires > :now"
                + " AND a.closed IS NULL")
        .bind("token", Tokens.hashed(token))
        .bind("kind", kind.label())
        .bind("now", Times.of(Instant.now()))
        .map((row, _) -> read(row))
        .findOne();
  }

  /** Uses a ticket up; only one caller gets its holder. */
  public Optional<Account> redeem(Ticket kind, String token) {
    final Optional<Account> holder = holder(kind, token);
    final int used =
        handle.execute(
            "DELETE FROM ticket WHERE token = ? AND kind = ?", Tokens.hashed(token), kind.label());
    return used == 1 ? holder : Optional.empty();
  }

  /** The tickets of an account of one kind. */
  public List<TicketView> tickets(Ticket kind, long account) {
    return handle
        .createQuery(
            "SELECT token, note, created, expires FROM ticket"
                + " WHERE account_id = :account AND kind = :kind ORDER BY created")
        .bind("account", account)
        .bind("kind", kind.label())
        .map(
            (row, _) ->
                new TicketView(
                    row.getString("token"),
                    row.getString("note"),
                    Times.instant(row, "created"),
                    Times.instant(row, "expires")))
        .list();
  }

  /** Takes a ticket back, by what its owner sees of it. */
  public void revoke(long account, String key) {
    handle.execute("DELETE FROM ticket WHERE account_id = ? AND token = ?", account, key);
  }

  private Optional<Account> one(String column, String value) {
    return handle
        .createQuery("SELECT " + COLUMNS + " FROM account WHERE " + column + " = :value")
        .bind("value", value)
        .map((row, _) -> read(row))
        .findOne();
  }

  private static String key(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  private static Viewer viewer(ResultSet row) throws SQLException {
    return new Viewer(row.getLong("id"), row.getString("name"), role(row));
  }

  private static Viewer.Role role(ResultSet row) throws SQLException {
    return Viewer.Role.valueOf(row.getString("role").toUpperCase(Locale.ROOT));
  }

  private static Account read(ResultSet row) throws SQLException {
    return new Account(
        row.getLong("id"),
        row.getString("name"),
        row.getString("email"),
        row.getString("password"),
        role(row),
        Times.optionalInstant(row, "verified"),
        Times.instant(row, "created"),
        Times.optionalInstant(row, "closed"));
  }
}
