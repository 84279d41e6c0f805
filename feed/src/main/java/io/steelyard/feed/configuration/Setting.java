package io.steelyard.feed.configuration;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * One thing an operator can set. The {@link #key} stands in files and after {@code --set}; the
 * environment has it as {@link #variable}.
 */
public enum Setting {
  /** Address to listen on. */
  HOST("host", "127.0.0.1", "address to listen on; 0.0.0.0 for every interface"),
  /** Port to listen on. */
  PORT("port", "8080", "port to listen on; 0 takes a free one"),
  /** Public address. */
  URL("url", "", "public address, as links in mails and feeds have it; else http://host:port"),
  /** Path in front of every page. */
  BASE_PATH("base-path", "", "path in front of every page, for example /papers-site"),
  /** Whether forwarded headers are believed. */
  PROXY("proxy", "false", "true behind a reverse proxy that sets X-Forwarded-For and -Proto"),
  /** Name of the site. */
  TITLE("title", "Steelyard", "name of the site"),
  /** Whom to write to. */
  CONTACT("contact", "", "address for readers, and in the User-Agent of imports"),
  /** Database. */
  DB("db", "", "JDBC address, jdbc:h2:file:... or jdbc:postgresql:...; else H2 in the data folder"),
  /** Database user. */
  DB_USER("db.user", "", "user of the database"),
  /** Database password. */
  DB_PASSWORD("db.password", "", "password of the database"),
  /** Connections. */
  DB_POOL("db.pool", "8", "connections kept open"),
  /** Data folder. */
  DATA("data", "", "folder for the database, the search index and exports; else the user's"),
  /** Runs made here. */
  RUNS("runs", "report/runs", "folder of run files made here; shipped runs are shown besides"),
  /** Access log. */
  ACCESS_LOG("access-log", "off", "file of the access log in JSON lines; - is standard output"),
  /** Sign-up. */
  SIGN_UP("sign-up", "open", "open: anyone may make an account; closed: only administrators can"),
  /** Address of the mail server. */
  MAIL_HOST("mail.host", "", "SMTP server; without one no mail is sent and sign-up needs none"),
  /** Port of the mail server. */
  MAIL_PORT("mail.port", "587", "port of the SMTP server"),
  /** User of the mail server. */
  MAIL_USER("mail.user", "", "user of the SMTP server"),
  /** Password of the mail server. */
  MAIL_PASSWORD("mail.password", "", "password of the SMTP server"),
  /** Encryption of mail. */
  MAIL_TLS("mail.tls", "starttls", "starttls, tls or none"),
  /** Sender. */
  MAIL_FROM("mail.from", "", "sender of mails, for example Papers <papers@example.org>"),
  /** Longest input of a try-it call. */
  TRY_ELEMENTS("try.elements", "16384", "most numbers in the inputs of one try-it call"),
  /** Longest time of a try-it call. */
  TRY_MILLIS("try.millis", "2000", "longest time of one try-it call in milliseconds"),
  /** Try-it calls at once. */
  TRY_AT_ONCE("try.at-once", "2", "try-it calls that compute at the same time"),
  /** Requests a reader may make. */
  RATE_PAGES("rate.pages", "600", "pages one address may ask for in five minutes; 0 for no limit"),
  /** Calls of the API. */
  RATE_API("rate.api", "500", "API calls one address may make in five minutes; 0 for no limit"),
  /** Searches. */
  RATE_SEARCH(
      "rate.search", "300", "searches one address may make in five minutes; 0 for no limit"),
  /** Forms. */
  RATE_FORMS("rate.forms", "120", "forms one address may send in five minutes; 0 for no limit"),
  /** Scheduled import. */
  IMPORT_ARXIV("import.arxiv", "", "arXiv sets to import every night, for example cs:cs:LG"),
  /** Mirror. */
  IMPORT_BASE("import.base", "", "address of a mirror of arXiv to ask instead"),
  /** Papers that readers bring. */
  SUBMISSIONS(
      "submissions",
      "moderated",
      "papers by readers; moderated: a moderator looks first; open: taken at once; closed"),
  /** Learned meaning. */
  LEARN(
      "search.learn",
      "true",
      "whether search by meaning learns from the papers, where more than 2,000 were imported"),
  /** Scheduled digest. */
  DIGEST_AT("digest.at", "", "time of day (UTC, hh:mm) when the digest is sent; else never");

  private static final String PREFIX = "STEELYARD_FEED_";

  private final String key;
  private final String standard;
  private final String meaning;

  Setting(String key, String standard, String meaning) {
    this.key = key;
    this.standard = standard;
    this.meaning = meaning;
  }

  /** The name in files and after {@code --set}. */
  public String key() {
    return key;
  }

  /** The value where nobody sets one. */
  public String standard() {
    return standard;
  }

  /** What it sets, in a line. */
  public String meaning() {
    return meaning;
  }

  /** The name in the environment, for example {@code STEELYARD_FEED_MAIL_HOST}. */
  public String variable() {
    return PREFIX + key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }

  /** Whether its value must not be shown. */
  public boolean secret() {
    return key.endsWith("password");
  }

  /** The setting with this key. */
  public static Optional<Setting> named(String key) {
    return Arrays.stream(values()).filter(setting -> setting.key.equals(key)).findFirst();
  }

  /** All keys. */
  public static List<String> keys() {
    return Arrays.stream(values()).map(Setting::key).toList();
  }
}
