package io.steelyard.feed.digest;

import static org.assertj.core.api.Assertions.assertThat;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.account.Subscription;
import io.steelyard.feed.account.Subscriptions;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.calendar.Period;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.database.Database;
import io.steelyard.feed.database.Engine;
import io.steelyard.feed.mail.Carrier;
import io.steelyard.feed.mail.Letter;
import io.steelyard.feed.mail.Outbox;
import io.steelyard.feed.mail.Postman;
import io.steelyard.feed.mail.Smtp;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.paper.ShippedPapers;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DigestTest {

  private static final Period.Day DAY = new Period.Day(ShippedPapers.FEATURED);

  private static Database filled(Engine engine) {
    final Database database = engine.open();
    database.write(
        handle -> {
          ShippedPapers.all().forEach(new Publications(handle)::take);
          return database;
        });
    return database;
  }

  private static void subscribe(
      Database database, String name, Subscription.Cadence cadence, String... keywords) {
    database.write(
        handle -> {
          final long account =
              new Accounts(handle)
                  .create(name, name + "@example.org", "x", Viewer.Role.READER, true)
                  .orElseThrow()
                  .id();
          new Subscriptions(handle).set(account, cadence, List.of(keywords));
          return account;
        });
  }

  private static Digest digest(Database database) {
    return new Digest(database, "Papers", "http://localhost:1");
  }

  private static int count(Database database, String state) {
    return database.read(handle -> new Outbox(handle).count(state));
  }

  @ParameterizedTest
  @EnumSource
  void everyoneGetsEachIssueOnceAndEmptyOnesNever(Engine engine) {
    try (Database database = filled(engine)) {
      subscribe(database, "ada", Subscription.Cadence.DAILY);
      subscribe(database, "bob", Subscription.Cadence.WEEKLY);
      subscribe(database, "eve", Subscription.Cadence.DAILY, "no such word");
      subscribe(database, "kim", Subscription.Cadence.DAILY, "SOFT-NMS", "zebra");
      final Digest digest = digest(database);
      assertThat(digest.write(DAY.first())).isEqualTo(2);
      assertThat(digest.write(DAY.first())).isZero();
      assertThat(digest.write(DAY.first().plusDays(1))).isZero();
      // The Sunday of that week.
      assertThat(digest.write(DAY.first().plusDays(4))).isEqualTo(1);
      final List<Letter> sent = new ArrayList<>();
      assertThat(Postman.send(database, sent::add)).isEqualTo(3);
      assertThat(sent)
          .extracting(Letter::to)
          .containsExactly("ada@example.org", "kim@example.org", "bob@example.org");
      assertThat(sent.get(1).text()).contains("Soft-NMS").doesNotContain("Two-Pass");
      assertThat(sent.get(0).text().split("/papers/\\d{4}\\.", -1)).hasSize(40);
      assertThat(Postman.send(database, sent::add)).isZero();
    }
  }

  @Test
  void aLetterHasTextHtmlAndAWayOut() throws Exception {
    final GreenMail mail =
        new GreenMail(new ServerSetup(0, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
    mail.start();
    try (Database database = filled(Engine.H2)) {
      subscribe(database, "ada", Subscription.Cadence.DAILY);
      digest(database).write(DAY.first());
      final Smtp smtp =
          new Smtp(
              Settings.with(
                  Map.of(
                      Setting.MAIL_HOST, "127.0.0.1",
                      Setting.MAIL_PORT, Integer.toString(mail.getSmtp().getPort()),
                      Setting.MAIL_TLS, "none",
                      Setting.MAIL_FROM, "Papers <papers@example.org>")));
      assertThat(Postman.send(database, smtp)).isEqualTo(1);
      assertThat(mail.waitForIncomingEmail(20_000, 1)).isTrue();
      final MimeMessage message = mail.getReceivedMessages()[0];
      assertThat(message.getMessageID()).isEqualTo("<digest.2025-12-10.1@example.org>");
      assertThat(message.getHeader("List-Unsubscribe", null))
          .matches("<http://localhost:1/unsubscribe\\?token=[A-Za-z0-9_-]{32}>");
      assertThat(message.getHeader("List-Unsubscribe-Post", null))
          .isEqualTo("List-Unsubscribe=One-Click");
      final MimeMultipart parts = (MimeMultipart) message.getContent();
      assertThat(parts.getContentType()).startsWith("multipart/alternative");
      assertThat(parts.getBodyPart(0).getContentType()).startsWith("text/plain");
      assertThat(parts.getBodyPart(1).getContentType()).startsWith("text/html");
      assertThat((String) parts.getBodyPart(1).getContent())
          .contains("<h1>", "http://localhost:1/papers/2001.04438")
          .doesNotContain("<script", "<img");
    } finally {
      mail.stop();
    }
  }

  @Test
  void whileTheServerIsDownNothingIsLostAndNobodyGetsItTwice() {
    try (Database database = filled(Engine.H2)) {
      for (final String name : List.of("ada", "bob", "eve", "kim")) {
        subscribe(database, name, Subscription.Cadence.DAILY);
      }
      digest(database).write(DAY.first());
      final List<String> sent = new ArrayList<>();
      final Carrier breaking =
          letter -> {
            if (sent.size() == 2) {
              throw new Carrier.DeliveryException("the server is down", false, null);
            }
            sent.add(letter.to());
          };
      assertThat(Postman.send(database, breaking)).isEqualTo(2);
      assertThat(count(database, "waiting")).isEqualTo(2);
      digest(database).write(DAY.first());
      database.write(handle -> handle.execute("UPDATE letter SET due = created"));
      assertThat(Postman.send(database, letter -> sent.add(letter.to()))).isEqualTo(2);
      assertThat(sent).doesNotHaveDuplicates().hasSize(4);
    }
  }

  @Test
  void aLetterThatACrashInterruptedIsNotSentAgain() {
    try (Database database = filled(Engine.H2)) {
      subscribe(database, "ada", Subscription.Cadence.DAILY);
      digest(database).write(DAY.first());
      // Taken, and then the process is gone.
      database.write(handle -> new Outbox(handle).take(java.time.Instant.now()));
      final List<String> sent = new ArrayList<>();
      try (Postman postman = Postman.start(database, letter -> sent.add(letter.to()))) {
        postman.ring();
      }
      assertThat(sent).isEmpty();
      assertThat(count(database, "unknown")).isEqualTo(1);
    }
  }

  @Test
  void anAddressThatIsRefusedIsNotTriedAgain() {
    try (Database database = filled(Engine.H2)) {
      subscribe(database, "ada", Subscription.Cadence.DAILY);
      digest(database).write(DAY.first());
      Postman.send(
          database,
          _ -> {
            throw new Carrier.DeliveryException("no such mailbox", true, null);
          });
      assertThat(count(database, "failed")).isEqualTo(1);
    }
  }
}
