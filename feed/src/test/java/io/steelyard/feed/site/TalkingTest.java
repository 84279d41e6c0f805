package io.steelyard.feed.site;

import static org.assertj.core.api.Assertions.assertThat;

import io.steelyard.feed.account.Accounts;
import io.steelyard.feed.account.Viewer;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.database.Engine;
import io.steelyard.feed.discussion.Remarks;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Votes, lists and comments through the pages, on each database. */
class TalkingTest {

  private static final String PAPER = "/papers/2001.04438";

  private static TestSite site(Engine engine) {
    final Map<Setting, String> settings = new EnumMap<>(engine.fresh());
    settings.put(Setting.RATE_FORMS, "0");
    return TestSite.start(settings);
  }

  @ParameterizedTest
  @EnumSource
  void aVoteCountsOnceAndCanBeTakenBack(Engine engine) {
    try (TestSite site = site(engine);
        Person ada = Person.named("Ada", site);
        Person bob = Person.named("Bob", site)) {
      for (int i = 0; i < 2; i++) {
        assertThat(ada.post(PAPER + "/vote", "vote", "yes").statusCode()).isEqualTo(303);
      }
      bob.post(PAPER + "/vote", "vote", "yes");
      assertThat(upvotes(site)).isEqualTo(2);
      assertThat(ada.get(PAPER).body()).contains("Voted · 2");
      assertThat(site.get("/papers/trending").body().indexOf("/papers/2001.04438\""))
          .as("what is voted for is first")
          .isLessThan(site.get("/papers/trending").body().indexOf("/papers/2207.03341\""));
      ada.post(PAPER + "/vote", "vote", "no");
      assertThat(upvotes(site)).isEqualTo(1);
      assertThat(ada.post("/papers/9999.99999/vote").statusCode()).isEqualTo(404);
    }
  }

  @ParameterizedTest
  @EnumSource
  void savedPapersStandOnLists(Engine engine) {
    try (TestSite site = site(engine);
        Person ada = Person.named("Ada", site)) {
      ada.post(PAPER + "/save");
      ada.post(PAPER + "/save");
      ada.post("/papers/2207.03341/save", "list", "For <Monday>");
      assertThat(ada.get("/account").body())
          .containsOnlyOnce("<h3>Reading list</h3>")
          .contains("For &lt;Monday&gt;", "The Two-Pass Softmax Algorithm");
      ada.post(PAPER + "/unsave");
      assertThat(ada.get("/account").body())
          .doesNotContain("<h3>Reading list</h3>", "The Two-Pass Softmax Algorithm");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aCommentIsWrittenEditedReportedAndHidden(Engine engine) {
    try (TestSite site = site(engine);
        Person ada = Person.named("Ada", site);
        Person bob = Person.named("Bob", site);
        Person mod = Person.named("Mod", site)) {
      ada.post(PAPER + "/comments", "text", "See $x_1 + x_2$, @bob and @nobody: **good**.");
      final String page = site.get(PAPER).body();
      assertThat(page).contains("<math", "<strong>good</strong>", "<strong>Ada</strong>");
      assertThat(site.json("/api/daily_papers?limit=100").toString()).contains("\"numComments\":1");
      final String id = page.replaceFirst("(?s).*id=\"comment-(\\d+)\".*", "$1");

      assertThat(bob.get("/account").body()).contains("Who named you", "Ada", ", new");
      assertThat(bob.get("/account").body()).doesNotContain(", new");

      ada.post("/comments/" + id + "/edit", "text", "See $y$.");
      assertThat(site.get(PAPER).body()).contains("edited").doesNotContain("<strong>good");
      assertThat(
              site.site()
                  .database()
                  .<java.util.List<String>>read(
                      handle -> new Remarks(handle).history(Long.parseLong(id))))
          .containsExactly("See $x_1 + x_2$, @bob and @nobody: **good**.");

      bob.post("/comments/" + id + "/report", "reason", "It is about me.");
      site.site()
          .database()
          .write(
              handle -> {
                final Accounts accounts = new Accounts(handle);
                accounts.role(accounts.byName("mod").orElseThrow().id(), Viewer.Role.MODERATOR);
                return id;
              });
      assertThat(mod.get("/moderation").body()).contains("It is about me.");
      assertThat(mod.post("/comments/" + id + "/hide").statusCode()).isEqualTo(303);
      assertThat(mod.get("/moderation").body()).contains("Nothing waits");
      assertThat(site.get(PAPER).body()).contains("Nobody has said anything yet.");
    }
  }

  private static int upvotes(TestSite site) {
    return site.json("/api" + PAPER).getAsJsonObject().get("upvotes").getAsInt();
  }
}
