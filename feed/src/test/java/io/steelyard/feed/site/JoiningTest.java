package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.database.Engine;
import jakarta.mail.internet.MimeMessage;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Accounts from sign-up to deletion, with mail through a real SMTP server. */
class JoiningTest {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private GreenMail mail;

  @BeforeEach
  void startMail() {
    mail = new GreenMail(new ServerSetup(0, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
    mail.start();
  }

  @AfterEach
  void stopMail() {
    mail.stop();
  }

  private TestSite site(Engine engine) {
    final Map<Setting, String> settings = new EnumMap<>(engine.fresh());
    settings.put(Setting.MAIL_HOST, "127.0.0.1");
    settings.put(Setting.MAIL_PORT, Integer.toString(mail.getSmtp().getPort()));
    settings.put(Setting.MAIL_TLS, "none");
    settings.put(Setting.MAIL_FROM, "Papers <papers@example.org>");
    settings.put(Setting.RATE_FORMS, "0");
    return TestSite.start(settings);
  }

  /** Once so many letters have come, the last one with these words. */
  private String letter(int number, String words) throws Exception {
    assertThat(mail.waitForIncomingEmail(PATIENCE.toMillis(), number)).isTrue();
    String found = "";
    for (final MimeMessage message : mail.getReceivedMessages()) {
      assertThat(message.getFrom()[0]).hasToString("Papers <papers@example.org>");
      assertThat(message.getMessageID()).endsWith("@example.org>");
      if (((String) message.getContent()).contains(words)) {
        found = (String) message.getContent();
      }
    }
    assertThat(found).contains(words);
    return found;
  }

  private static String token(String letter) {
    final Matcher token = Pattern.compile("\\?token=([A-Za-z0-9_-]{32})").matcher(letter);
    assertThat(token.find()).isTrue();
    return token.group(1);
  }

  @ParameterizedTest
  @EnumSource
  void fromSignUpToDeletion(Engine engine) throws Exception {
    try (TestSite site = site(engine);
        Person ada = new Person(site)) {
      assertThat(ada.signUp("Ada", "Ada@Example.org").body()).contains("Look into your mail");
      // Not before the address is confirmed, and only who knows the password is told so.
      assertThat(ada.signIn("ada", Person.PASSWORD).body()).contains("not confirmed yet");
      assertThat(ada.signIn("ada", "wrong password").body()).contains("is wrong");
      final String token = token(letter(1, "/verify?token="));
      assertThat(ada.get("/verify?token=" + token).statusCode()).isEqualTo(200);
      assertThat(ada.session()).as("a link alone does nothing").isEmpty();
      assertThat(ada.post("/verify", "token", token).statusCode()).isEqualTo(303);
      final String first = ada.session().orElseThrow();
      assertThat(ada.post("/verify", "token", token).statusCode()).isEqualTo(410);
      assertThat(ada.get("/account").body()).contains("ada@example.org");

      // A new session at each sign-in; the old one ends.
      assertThat(ada.signIn("ADA@example.org", Person.PASSWORD).statusCode()).isEqualTo(303);
      assertThat(ada.session()).isPresent().isNotEqualTo(java.util.Optional.of(first));
      assertThat(site.get("/account", "Cookie", "session=" + first).statusCode()).isEqualTo(401);

      // A new password ends every session.
      try (Person elsewhere = new Person(site)) {
        elsewhere.signIn("ada", Person.PASSWORD);
        assertThat(elsewhere.get("/account").statusCode()).isEqualTo(200);
        ada.post("/forgot", "email", "ada@example.org");
        final String reset = token(letter(2, "/reset?token="));
        final HttpResponse<String> weak = ada.post("/reset", "token", reset, "password", "short");
        assertThat(weak.statusCode()).isEqualTo(422);
        assertThat(ada.post("/reset", "token", reset, "password", "another good one").statusCode())
            .isEqualTo(303);
        assertThat(ada.post("/reset", "token", reset, "password", "a third good one").statusCode())
            .isEqualTo(410);
        assertThat(elsewhere.get("/account").statusCode()).isEqualTo(401);
        assertThat(elsewhere.signIn("ada", Person.PASSWORD).statusCode()).isEqualTo(422);
      }

      ada.post("/papers/2001.04438/vote", "vote", "yes");
      ada.post("/papers/2001.04438/comments", "text", "I was *here*.");
      assertThat(ada.get("/account/export").body())
          .contains("ada@example.org", "2001.04438", "I was *here*.")
          .doesNotContain("argon2id");

      assertThat(ada.post("/account/delete", "password", "not it at all").statusCode())
          .isEqualTo(403);
      assertThat(ada.post("/account/delete", "password", "another good one").body())
          .contains("Your account is gone");
      assertThat(ada.get("/account").statusCode()).isEqualTo(401);
      assertThat(site.get("/papers/2001.04438").body())
          .contains("somebody who left", "I was <em>here</em>.")
          .doesNotContain("Ada");
    }
  }

  @Test
  void whatIsSaidNeverDependsOnWhetherAnAddressIsKnown() throws Exception {
    try (TestSite site = site(Engine.H2);
        Person ada = new Person(site);
        Person eve = new Person(site)) {
      ada.signUp("Ada", "ada@example.org");
      ada.post("/verify", "token", token(letter(1, "/verify?token=")));

      final String known = eve.signUp("Eve", "ada@example.org").body();
      final String unknown = eve.signUp("Eva", "eva@example.org").body();
      assertThat(known.replace("ada@", "x@")).isEqualTo(unknown.replace("eva@", "x@"));
      letter(2, "has an account");
      letter(3, "signing up as Eva");

      assertThat(eve.post("/forgot", "email", "ada@example.org").body())
          .isEqualTo(eve.post("/forgot", "email", "nobody@example.org").body());
      letter(4, "/reset?token=");
      assertThat(eve.signIn("ada@example.org", "wrong password").body().replace("ada@", "x@"))
          .isEqualTo(eve.signIn("nix@example.org", "wrong password").body().replace("nix@", "x@"));
    }
  }

  @Test
  void resetLettersAreFew() throws Exception {
    try (TestSite site = site(Engine.H2);
        Person ada = new Person(site)) {
      ada.signUp("Ada", "ada@example.org");
      ada.post("/verify", "token", token(letter(1, "/verify?token=")));
      for (int i = 0; i < 6; i++) {
        ada.post("/forgot", "email", "ada@example.org");
      }
      letter(4, "/reset?token=");
      Thread.sleep(500);
      assertThat(mail.getReceivedMessages()).hasSize(4);
    }
  }

  @Test
  void whileTheMailServerIsDownLettersWait() throws Exception {
    try (TestSite site = site(Engine.H2);
        Person ada = new Person(site)) {
      final int port = mail.getSmtp().getPort();
      mail.stop();
      assertThat(ada.signUp("Ada", "ada@example.org").body()).contains("Look into your mail");
      final var database = site.site().database();
      org.junit.jupiter.api.Assertions.assertTimeout(
          PATIENCE,
          () -> {
            while (database.read(
                    handle ->
                        handle
                            .createQuery(
                                "SELECT count(*) FROM letter WHERE state = 'waiting' AND attempts > 0")
                            .mapTo(Integer.class)
                            .one())
                == 0) {
              Thread.sleep(20);
            }
          });
      // Not lost, and tried again when it is due.
      mail = new GreenMail(new ServerSetup(port, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
      mail.start();
      database.write(handle -> handle.execute("UPDATE letter SET due = created"));
      ada.post("/forgot", "email", "nobody@example.org");
      letter(1, "/verify?token=");
    }
  }
}
