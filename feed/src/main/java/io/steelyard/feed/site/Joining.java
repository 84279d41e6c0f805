package io.steelyard.feed.site;

import io.steelyard.feed.account.Account;
import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.account.Passwords;
import io.steelyard.feed.account.Patience;
import io.steelyard.feed.account.Subscriptions;
import io.steelyard.feed.account.Tokens;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.discussion.Remarks;
import io.steelyard.feed.discussion.Shelves;
import io.steelyard.feed.mail.Letter;
import io.steelyard.feed.mail.Outbox;
import io.steelyard.feed.page.AccountPage;
import io.steelyard.feed.page.Card;
import io.steelyard.feed.page.FormPage;
import io.steelyard.feed.page.NoticePage;
import io.steelyard.feed.page.Words;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.tex.Tex;
import io.steelyard.feed.web.Refusal;
import io.steelyard.feed.web.Reply;
import io.steelyard.feed.web.Route;
import io.steelyard.feed.web.Visit;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * Accounts: sign up, sign in, reset, one's own page. What these pages say never depends on whether
 * an address has an account, and takes as long either way.
 */
final class Joining {

  private static final int REJECTED = 422;
  private static final int MOST_OPEN_RESETS = 3;
  private static final int MOST_TOKENS = 20;

  private final House house;
  private final Patience patience = new Patience();

  Joining(House house) {
    this.house = house;
  }

  List<Route> routes() {
    return List.of(
        Route.personal("/sign-up", visit -> signUpForm(visit, "")),
        Route.form("/sign-up", this::signUp),
        Route.personal("/sign-in", visit -> signInForm(visit, "")),
        Route.form("/sign-in", this::signIn),
        Route.form("/sign-out", this::signOut),
        Route.personal("/verify", this::verifyForm),
        Route.form("/verify", this::verify),
        Route.personal("/forgot", this::forgotForm),
        Route.form("/forgot", this::forgot),
        Route.personal("/reset", visit -> resetForm(visit, visit.query("token").orElse(""), "")),
        Route.form("/reset", this::reset),
        Route.personal("/account", visit -> account(visit, "", "")),
        Route.form("/account/password", this::changePassword),
        Route.form("/account/tokens", this::makeToken),
        Route.form("/account/tokens/revoke", this::revokeToken),
        Route.personal("/account/export", this::export),
        Route.form("/account/delete", this::delete));
  }

  private Reply signUpForm(Visit visit, String problem) {
    if (!open()) {
      throw new Refusal(403, "accounts are made by those who run this site; ask them");
    }
    return form(
        new FormPage(
            house.shell(visit),
            "Sign up",
            "To vote, save papers, comment and get the digest.",
            "/sign-up",
            List.of(
                new FormPage.Field(
                    "name",
                    "Name",
                    "text",
                    visit.form("name"),
                    "username",
                    "3 to 40 letters, digits, _ and -; others see it."),
                new FormPage.Field(
                    "email", "E-mail", "email", visit.form("email"), "email", "Nobody sees it."),
                new FormPage.Field(
                    "password",
                    "Password",
                    "password",
                    "",
                    "new-password",
                    "At least " + Passwords.SHORTEST + " characters.")),
            "Sign up",
            problem,
            List.of(new FormPage.Way("/sign-in", "I have an account"))));
  }

  private Reply signUp(Visit visit) {
    if (!open()) {
      throw new Refusal(403, "accounts are made by those who run this site; ask them");
    }
    final String name = visit.form("name");
    final String password = secret(visit, "password");
    final Optional<String> email = Accounts.email(visit.form("email"));
    if (!Accounts.isName(name)) {
      return signUpForm(
          visit, "A name has 3 to 40 letters, digits, _ and -, and begins with a letter.");
    }
    if (email.isEmpty()) {
      return signUpForm(visit, "This is not an e-mail address.");
    }
    final String objection = Passwords.objection(password, name, email.get());
    if (!objection.isEmpty()) {
      return signUpForm(visit, sentence(objection));
    }
    final String hash = Passwords.hash(password);
    return house.mails()
        ? signUpByMail(visit, name, email.get(), hash)
        : signUpAtOnce(visit, name, email.get(), hash);
  }

  private Reply signUpAtOnce(Visit visit, String name, String email, String hash) {
    final Optional<String> token =
        house
            .database()
            .write(
                handle -> {
                  final Accounts accounts = new Accounts(handle);
                  return accounts
                      .create(name, email, hash, Viewer.Role.READER, true)
                      .map(account -> accounts.begin(account.id()));
                });
    return token
        .map(secret -> begun(visit, secret, "/account"))
        .orElseGet(() -> signUpForm(visit, "This name or address is taken."));
  }

  private Reply signUpByMail(Visit visit, String name, String email, String hash) {
    final boolean free =
        house
            .database()
            .write(
                handle -> {
                  final Accounts accounts = new Accounts(handle);
                  accounts.forgetUnverified(Instant.now());
                  final Outbox outbox = new Outbox(handle);
                  if (accounts.byEmail(email).isPresent()) {
                    outbox.add(
                        letter(
                            email,
                            "You have an account already",
                            "Somebody, probably you, tried to sign up with this address. It has an"
                                + " account; to sign in or set a new password:\n\n"
                                + house.address()
                                + "/sign-in\n"));
                    return true;
                  }
                  final Optional<Account> made =
                      accounts.create(name, email, hash, Viewer.Role.READER, false);
                  made.ifPresent(
                      account ->
                          outbox.add(
                              letter(
                                  email,
                                  "Confirm your address",
                                  "To finish signing up as "
                                      + name
                                      + ", open this within two days:\n\n"
                                      + house.address()
                                      + "/verify?token="
                                      + accounts.issue(Accounts.Ticket.VERIFY, account.id(), "")
                                      + "\n\nIf it was not you, do nothing.\n")));
                  return made.isPresent();
                });
    if (!free) {
      return signUpForm(visit, "This name is taken.");
    }
    house.ring();
    return notice(
        visit,
        "Look into your mail",
        "A letter is on its way to " + email + ". Open the link in it to finish.");
  }

  private Reply verifyForm(Visit visit) {
    // A link alone changes nothing: programs that look into mail open links too.
    return form(
        new FormPage(
            house.shell(visit),
            "Confirm your address",
            "",
            "/verify",
            List.of(FormPage.Field.hidden("token", visit.query("token").orElse(""))),
            "Yes, it is mine",
            "",
            List.of()));
  }

  private Reply verify(Visit visit) {
    final Optional<String> session =
        house
            .database()
            .write(
                handle -> {
                  final Accounts accounts = new Accounts(handle);
                  return accounts
                      .redeem(Accounts.Ticket.VERIFY, visit.form("token"))
                      .map(
                          account -> {
                            accounts.verify(account.id());
                            return begin(accounts, account, visit);
                          });
                });
    return session
        .map(secret -> begun(visit, secret, "/account"))
        .orElseThrow(
            () -> new Refusal(410, "this link was used or is too old; sign in, or sign up again"));
  }

  private Reply signInForm(Visit visit, String problem) {
    final String next = local(visit.query("next").orElse(visit.form("next")));
    return form(
        new FormPage(
            house.shell(visit),
            "Sign in",
            "",
            "/sign-in",
            List.of(
                new FormPage.Field(
                    "who", "Name or e-mail", "text", visit.form("who"), "username", ""),
                new FormPage.Field("password", "Password", "password", "", "current-password", ""),
                FormPage.Field.hidden("next", next)),
            "Sign in",
            problem,
            open()
                ? List.of(
                    new FormPage.Way("/sign-up", "Sign up"),
                    new FormPage.Way("/forgot", "I forgot the password"))
                : List.of(new FormPage.Way("/forgot", "I forgot the password"))));
  }

  private Reply signIn(Visit visit) {
    final String who = visit.form("who").toLowerCase(Locale.ROOT);
    final String password = secret(visit, "password");
    if (!patience.left(who, visit.address())) {
      return signInForm(visit, "Too many wrong passwords. Try again in some minutes.").status(429);
    }
    final Optional<Account> account =
        house.database().read(handle -> new Accounts(handle).meant(who));
    if (account.isEmpty()) {
      Passwords.matchNobody(password);
    }
    final boolean good =
        account.filter(known -> Passwords.matches(password, known.password())).isPresent();
    if (!good) {
      patience.wrong(who, visit.address());
      return signInForm(visit, "Name, address or password is wrong.");
    }
    // Who knows the password may be told the rest.
    if (!account.get().usable()) {
      return signInForm(
          visit,
          account.get().closed().isPresent()
              ? "This account was suspended."
              : "The address was not confirmed yet; look into your mail.");
    }
    final String session =
        house.database().write(handle -> begin(new Accounts(handle), account.get(), visit));
    return begun(visit, session, local(visit.form("next")));
  }

  private Reply signOut(Visit visit) {
    final Viewer viewer = visit.signedIn();
    house
        .database()
        .write(
            handle -> {
              final Accounts accounts = new Accounts(handle);
              if (visit.form("everywhere").equals("yes")) {
                accounts.endAll(viewer.id());
              } else {
                visit.cookie(Cookies.SESSION).ifPresent(accounts::end);
              }
              return viewer;
            });
    return Cookies.take(house.seeOther("/"), visit, house.settings());
  }

  private Reply forgotForm(Visit visit) {
    if (!house.mails()) {
      throw new Refusal(404, "this site sends no mail; ask those who run it for a new password");
    }
    return form(
        new FormPage(
            house.shell(visit),
            "Set a new password",
            "A letter with a link comes to the address of the account.",
            "/forgot",
            List.of(new FormPage.Field("email", "E-mail", "email", "", "email", "")),
            "Send the letter",
            "",
            List.of()));
  }

  private Reply forgot(Visit visit) {
    final String email = visit.form("email");
    house
        .database()
        .write(
            handle -> {
              final Accounts accounts = new Accounts(handle);
              accounts
                  .byEmail(email)
                  .filter(account -> account.closed().isEmpty())
                  .filter(
                      account ->
                          accounts.tickets(Accounts.Ticket.RESET, account.id()).size()
                              < MOST_OPEN_RESETS)
                  .ifPresent(
                      account ->
                          new Outbox(handle)
                              .add(
                                  letter(
                                      account.email(),
                                      "A new password",
                                      "To set a new password for "
                                          + account.name()
                                          + ", open this within an hour:\n\n"
                                          + house.address()
                                          + "/reset?token="
                                          + accounts.issue(Accounts.Ticket.RESET, account.id(), "")
                                          + "\n\nIf you did not ask for it, do nothing.\n")));
              return email;
            });
    house.ring();
    return notice(
        visit,
        "Look into your mail",
        "If there is an account with this address, a letter is on its way to it.");
  }

  private Reply resetForm(Visit visit, String token, String problem) {
    return form(
        new FormPage(
            house.shell(visit),
            "Set a new password",
            "It ends every session you have open.",
            "/reset",
            List.of(
                FormPage.Field.hidden("token", token),
                new FormPage.Field(
                    "password",
                    "New password",
                    "password",
                    "",
                    "new-password",
                    "At least " + Passwords.SHORTEST + " characters.")),
            "Set it",
            problem,
            List.of()));
  }

  private Reply reset(Visit visit) {
    final String token = visit.form("token");
    final String password = secret(visit, "password");
    final Account holder =
        house
            .database()
            .read(handle -> new Accounts(handle).holder(Accounts.Ticket.RESET, token))
            .orElseThrow(
                () -> new Refusal(410, "this link was used or is too old; ask for another"));
    final String objection = Passwords.objection(password, holder.name(), holder.email());
    if (!objection.isEmpty()) {
      return resetForm(visit, token, sentence(objection));
    }
    final String hash = Passwords.hash(password);
    final Optional<String> session =
        house
            .database()
            .write(
                handle -> {
                  final Accounts accounts = new Accounts(handle);
                  return accounts
                      .redeem(Accounts.Ticket.RESET, token)
                      .map(
                          account -> {
                            accounts.password(account.id(), hash);
                            // Whoever got the letter has the address.
                            accounts.verify(account.id());
                            return begin(accounts, account, visit);
                          });
                });
    return session
        .map(secret -> begun(visit, secret, "/account"))
        .orElseThrow(() -> new Refusal(410, "this link was used or is too old; ask for another"));
  }

  private Reply account(Visit visit, String fresh, String problem) {
    final Viewer viewer = visit.signedIn();
    final Reply reply =
        house
            .database()
            .read(
                handle ->
                    house.page("account", accountPage(handle, visit, viewer, fresh, problem)));
    house
        .database()
        .read(
            handle -> {
              new Remarks(handle).seen(viewer.id(), Instant.now());
              return viewer;
            });
    return (problem.isEmpty() ? reply : reply.status(REJECTED)).keep(Reply.Keep.NEVER);
  }

  private AccountPage accountPage(
      Handle handle, Visit visit, Viewer viewer, String fresh, String problem) {
    final Accounts accounts = new Accounts(handle);
    final Publications papers = new Publications(handle);
    final Map<String, List<Card>> lists = new LinkedHashMap<>();
    new Shelves(handle)
        .of(viewer.id())
        .forEach((list, ids) -> lists.put(list, house.cards(handle, papers.find(ids), visit)));
    return new AccountPage(
        house.shell(visit),
        accounts.byId(viewer.id()).orElseThrow(() -> new Refusal(401, "this needs you to sign in")),
        new Subscriptions(handle).of(viewer.id()),
        house.mails(),
        lists,
        new Remarks(handle)
            .mentions(viewer.id()).stream()
                .map(
                    mention ->
                        new AccountPage.Mention(
                            mention.remark().author().isEmpty()
                                ? House.GONE
                                : mention.remark().author(),
                            Words.day(mention.remark().at()),
                            papers
                                .find(mention.remark().paper())
                                .map(paper -> Tex.plain(paper.title()))
                                .orElse(mention.remark().paper().value()),
                            "/papers/"
                                + mention.remark().paper()
                                + "#comment-"
                                + mention.remark().id(),
                            mention.seen()))
                .toList(),
        Moderating.broughtBy(handle, viewer),
        accounts.tickets(Accounts.Ticket.API, viewer.id()),
        fresh,
        problem);
  }

  private Reply changePassword(Visit visit) {
    final Account account = sure(visit, secret(visit, "old"));
    final String password = secret(visit, "password");
    final String objection = Passwords.objection(password, account.name(), account.email());
    if (!objection.isEmpty()) {
      return account(visit, "", sentence(objection));
    }
    final String hash = Passwords.hash(password);
    final String session =
        house
            .database()
            .write(
                handle -> {
                  final Accounts accounts = new Accounts(handle);
                  accounts.password(account.id(), hash);
                  return accounts.begin(account.id());
                });
    return begun(visit, session, "/account");
  }

  private Reply makeToken(Visit visit) {
    final Viewer viewer = visit.signedIn();
    final String note = visit.form("note");
    if (note.isEmpty() || note.length() > 100) {
      return account(visit, "", "Say in 1 to 100 characters what the token is for.");
    }
    final Optional<String> token =
        house
            .database()
            .write(
                handle -> {
                  final Accounts accounts = new Accounts(handle);
                  return accounts.tickets(Accounts.Ticket.API, viewer.id()).size() < MOST_TOKENS
                      ? Optional.of(accounts.issue(Accounts.Ticket.API, viewer.id(), note))
                      : Optional.<String>empty();
                });
    return token
        .map(secret -> account(visit, secret, ""))
        .orElseGet(() -> account(visit, "", "There are " + MOST_TOKENS + " tokens already."));
  }

  private Reply revokeToken(Visit visit) {
    final Viewer viewer = visit.signedIn();
    house
        .database()
        .write(
            handle -> {
              new Accounts(handle).revoke(viewer.id(), visit.form("key"));
              return viewer;
            });
    return house.seeOther("/account#tokens");
  }

  private Reply export(Visit visit) {
    final Viewer viewer = visit.signedIn();
    return Reply.json(house.database().read(handle -> OwnData.json(handle, viewer.id())))
        .keep(Reply.Keep.NEVER)
        .with("Content-Disposition", "attachment; filename=\"" + viewer.name() + ".json\"");
  }

  private Reply delete(Visit visit) {
    final Account account = sure(visit, secret(visit, "password"));
    house
        .database()
        .write(
            handle -> {
              new Accounts(handle).delete(account.id());
              return account;
            });
    return Cookies.take(
        notice(visit, "Your account is gone", "Thank you for having been here."),
        visit,
        house.settings());
  }

  /** Who is signed in, if this is their password: a session left open must not be enough. */
  private Account sure(Visit visit, String password) {
    final Viewer viewer = visit.signedIn();
    if (!patience.left(viewer.name(), visit.address())) {
      throw new Refusal(429, "too many wrong passwords; try again in some minutes");
    }
    final Account account =
        house
            .database()
            .read(handle -> new Accounts(handle).byId(viewer.id()))
            .orElseThrow(() -> new Refusal(401, "this needs you to sign in"));
    if (!Passwords.matches(password, account.password())) {
      patience.wrong(viewer.name(), visit.address());
      throw new Refusal(403, "this is not your password");
    }
    return account;
  }

  /** A new session; the one of this browser, if there is one, ends. */
  private static String begin(Accounts accounts, Account account, Visit visit) {
    visit.cookie(Cookies.SESSION).ifPresent(accounts::end);
    return accounts.begin(account.id());
  }

  private Reply begun(Visit visit, String session, String next) {
    return Cookies.give(house.seeOther(next), session, visit, house.settings());
  }

  private Reply form(FormPage page) {
    final Reply reply = house.page("form", page).keep(Reply.Keep.NEVER);
    return page.problem().isEmpty() ? reply : reply.status(REJECTED);
  }

  private Reply notice(Visit visit, String title, String sentence) {
    return house
        .page("notice", new NoticePage(house.shell(visit), title, sentence, 200))
        .keep(Reply.Keep.NEVER);
  }

  private boolean open() {
    return house.settings().text(Setting.SIGN_UP).equals("open");
  }

  private static Letter letter(String to, String subject, String text) {
    return Letter.plain(to, subject, text, "account." + Tokens.fresh());
  }

  /** A password as it was typed: blanks at its ends belong to it. */
  private static String secret(Visit visit, String name) {
    return Optional.ofNullable(visit.context().formParam(name)).orElse("");
  }

  /** A place of this site, else its front page. */
  private static String local(String next) {
    return next.matches("/[A-Za-z0-9._~/?&=%+-]*") && !next.startsWith("//") ? next : "/";
  }

  private static String sentence(String clause) {
    return Character.toUpperCase(clause.charAt(0)) + clause.substring(1) + ".";
  }
}
