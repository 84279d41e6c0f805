package io.steelyard.feed.mail;

import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import jakarta.mail.Authenticator;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.PasswordAuthentication;
import jakarta.mail.SendFailedException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.time.Instant;
import java.util.Date;
import java.util.Map;
import java.util.Properties;

/** Hands letters to an SMTP server. */
public final class Smtp implements Carrier {

  private static final String TIMEOUT = "10000";

  private final Session session;
  private final String from;
  private final String domain;

  /** A carrier to the server in the settings. */
  public Smtp(Settings settings) {
    final Properties mail = new Properties();
    final String tls = settings.text(Setting.MAIL_TLS);
    mail.setProperty("mail.transport.protocol", "smtp");
    mail.setProperty("mail.smtp.host", settings.text(Setting.MAIL_HOST));
    mail.setProperty("mail.smtp.port", settings.text(Setting.MAIL_PORT));
    mail.setProperty("mail.smtp.connectiontimeout", TIMEOUT);
    mail.setProperty("mail.smtp.timeout", TIMEOUT);
    mail.setProperty("mail.smtp.writetimeout", TIMEOUT);
    mail.setProperty("mail.smtp.ssl.enable", String.valueOf(tls.equals("tls")));
    mail.setProperty("mail.smtp.starttls.required", String.valueOf(tls.equals("starttls")));
    mail.setProperty("mail.smtp.starttls.enable", String.valueOf(tls.equals("starttls")));
    mail.setProperty("mail.smtp.ssl.checkserveridentity", "true");
    final String user = settings.text(Setting.MAIL_USER);
    mail.setProperty("mail.smtp.auth", String.valueOf(!user.isEmpty()));
    this.session =
        Session.getInstance(
            mail,
            new Authenticator() {
              @Override
              protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication(user, settings.text(Setting.MAIL_PASSWORD));
              }
            });
    this.from = settings.text(Setting.MAIL_FROM);
    this.domain = from.replaceFirst("^.*@", "").replaceAll("[>\\s]", "");
  }

  @Override
  public void carry(Letter letter) throws DeliveryException {
    try {
      Transport.send(message(letter));
    } catch (SendFailedException e) {
      // The server has looked at the address and does not want it, now or ever.
      final boolean refused = e.getInvalidAddresses() != null && e.getInvalidAddresses().length > 0;
      throw new DeliveryException(
          "the mail server refused a letter: " + e.getMessage(), refused, e);
    } catch (MessagingException e) {
      throw new DeliveryException(
          "the mail server did not take a letter: " + e.getMessage(), false, e);
    }
  }

  private MimeMessage message(Letter letter) throws MessagingException {
    final String id = "<" + letter.id() + "@" + domain + ">";
    final MimeMessage message =
        new MimeMessage(session) {
          @Override
          protected void updateMessageID() throws MessagingException {
            setHeader("Message-ID", id);
          }
        };
    message.setFrom(new InternetAddress(from));
    message.setRecipient(Message.RecipientType.TO, new InternetAddress(letter.to(), true));
    message.setSubject(letter.subject(), "UTF-8");
    message.setSentDate(Date.from(Instant.now()));
    message.setHeader("Auto-Submitted", "auto-generated");
    for (final Map.Entry<String, String> header : letter.headers().entrySet()) {
      message.setHeader(header.getKey(), header.getValue());
    }
    if (letter.html().isEmpty()) {
      message.setText(letter.text(), "UTF-8");
    } else {
      final MimeBodyPart text = new MimeBodyPart();
      text.setText(letter.text(), "UTF-8");
      final MimeBodyPart html = new MimeBodyPart();
      html.setText(letter.html(), "UTF-8", "html");
      message.setContent(new MimeMultipart("alternative", text, html));
    }
    return message;
  }
}
