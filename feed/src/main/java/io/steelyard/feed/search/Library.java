package io.steelyard.feed.search;

import io.steelyard.feed.database.Database;
import io.steelyard.feed.paper.ArxivId;
import io.steelyard.feed.paper.Author;
import io.steelyard.feed.paper.Publication;
import io.steelyard.feed.paper.Publications;
import io.steelyard.feed.search.Answer.Hit;
import io.steelyard.feed.tex.Tex;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.IntPoint;
import org.apache.lucene.document.KnnFloatVectorField;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.IndexableField;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.DisjunctionMaxQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.KnnFloatVectorQuery;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.PrefixQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TermInSetQuery;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.uhighlight.DefaultPassageFormatter;
import org.apache.lucene.search.uhighlight.UnifiedHighlighter;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.LockObtainFailedException;
import org.apache.lucene.util.BytesRef;

/**
 * The search index over the papers, kept up to date with the database.
 *
 * <p>A question is answered twice, by words (BM25 over title, authors, summary, keywords and
 * abstract) and by meaning (nearest vectors), and the two lists are merged by reciprocal rank: a
 * paper at place r of a list gets {@code 1 / (60 + r)} from it. An arXiv id finds its paper. Safe
 * to use from any thread.
 */
public final class Library implements AutoCloseable {

  private static final int RANK_CONSTANT = 60;
  private static final int DEPTH = 200;
  private static final int BATCH = 500;
  private static final int SHOW_AFTER = 10 * BATCH;
  private static final double NEAR_ENOUGH = 0.12;
  private static final double MOST_WORDS = 0.7;
  private static final String UPDATED = "updated";

  /** Whose vectors questions are answered with. */
  private static final String VECTORS = "vectors";

  private static final Map<String, Float> WEIGHTS =
      Map.of("title", 3f, "authors", 2.5f, "summary", 1.5f, "keywords", 1.5f, "abstract", 1f);

  private static final Pattern PHRASE = Pattern.compile("\"([^\"]{2,})\"");

  private final Database database;
  private final Analyzer analyzer = new EnglishAnalyzer();
  private final IndexWriter writer;
  private final SearcherManager searchers;
  private final ReentrantLock updating = new ReentrantLock();
  private volatile Meaning meaning;

  /** The meaning that is being taken over; papers have the vectors of both until it is. */
  private Optional<Meaning> coming = Optional.empty();

  private Instant updated;
  private volatile long version = -1;
  private volatile long waiting;
  private volatile boolean stopped;
  private final AtomicLong edition = new AtomicLong();

  private Library(Database database, Meaning meaning, IndexWriter writer, Instant updated)
      throws IOException {
    this.database = database;
    this.meaning = meaning;
    this.writer = writer;
    this.updated = updated;
    this.searchers = new SearcherManager(writer, null);
  }

  /**
   * Opens the index in a folder, makes it if it is missing or was made with none of these meanings.
   * While another process has the folder, the index is in memory instead.
   *
   * @param meanings at least one, the best last: the index has the vectors of one of them
   */
  public static Library open(
      Database database, List<? extends Meaning> meanings, Optional<Path> folder) {
    try {
      final Directory directory = directory(folder);
      final IndexWriter writer =
          writer(directory).or(() -> writer(new ByteBuffersDirectory())).orElseThrow();
      final Map<String, String> state = state(writer);
      final Optional<? extends Meaning> same =
          meanings.stream()
              .filter(meaning -> meaning.name().equals(state.get(VECTORS)))
              .findFirst();
      if (same.isEmpty()) {
        writer.deleteAll();
      }
      final Library library =
          new Library(
              database,
              same.isPresent() ? same.get() : meanings.getLast(),
              writer,
              same.isPresent()
                  ? Instant.parse(state.getOrDefault(UPDATED, Instant.EPOCH.toString()))
                  : Instant.EPOCH);
      library.waiting = library.changed().size();
      return library;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open the search index", e);
    }
  }

  private static Directory directory(Optional<Path> folder) throws IOException {
    if (folder.isEmpty()) {
      return new ByteBuffersDirectory();
    }
    Files.createDirectories(folder.get());
    return FSDirectory.open(folder.get());
  }

  private static Optional<IndexWriter> writer(Directory directory) {
    try {
      return Optional.of(new IndexWriter(directory, new IndexWriterConfig(new EnglishAnalyzer())));
    } catch (LockObtainFailedException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open the search index", e);
    }
  }

  private static Map<String, String> state(IndexWriter writer) {
    final Map<String, String> state = new HashMap<>();
    final Iterable<Map.Entry<String, String>> data = writer.getLiveCommitData();
    if (data != null) {
      data.forEach(entry -> state.put(entry.getKey(), entry.getValue()));
    }
    return state;
  }

  /** Takes over what has changed in the database since the last time. */
  public void refresh() {
    updating.lock();
    try {
      final long now = database.version();
      final List<ArxivId> changed = changed();
      waiting = changed.size();
      for (int from = 0; from < changed.size(); from += BATCH) {
        final int to = Math.min(changed.size(), from + BATCH);
        put(changed.subList(from, to));
        if (from % SHOW_AFTER == 0) {
          searchers.maybeRefreshBlocking();
          waiting = changed.size() - (long) to;
          edition.incrementAndGet();
        }
        if (stopped) {
          return; // What is not committed is taken the next time.
        }
      }
      if (!changed.isEmpty()) {
        final Optional<Instant> last =
            database.read(handle -> new Publications(handle).lastChange());
        updated = last.orElse(updated);
        commit(meaning);
      }
      searchers.maybeRefreshBlocking();
      waiting = 0;
      if (!changed.isEmpty()) {
        edition.incrementAndGet();
      }
      version = now;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot bring the search index up to date", e);
    } finally {
      updating.unlock();
    }
  }

  private List<ArxivId> changed() {
    return database.read(handle -> new Publications(handle).changedSince(updated));
  }

  private void put(List<ArxivId> ids) throws IOException {
    for (final Publication paper : database.read(handle -> new Publications(handle).find(ids))) {
      writer.updateDocument(new Term("id", paper.id().value()), document(paper));
    }
  }

  private void commit(Meaning of) throws IOException {
    writer.setLiveCommitData(Map.of(UPDATED, updated.toString(), VECTORS, of.name()).entrySet());
    writer.commit();
  }

  /** How many papers the index does not have yet; it takes them over, or the next question does. */
  public long waiting() {
    return waiting;
  }

  /** Advances when other things may be found. */
  public long edition() {
    return edition.get();
  }

  /** Makes {@link #refresh} and {@link #adopt} end soon, with their work undone. */
  void stop() {
    stopped = true;
  }

  /** Whose vectors questions are answered with. */
  public Meaning meaning() {
    return meaning;
  }

  /**
   * Gives every paper the vector of another meaning, a part at a time, then answers questions with
   * it. Until then they are answered with the one before, and stay so if this is stopped.
   */
  public void adopt(Meaning other) {
    coming(Optional.of(other));
    try {
      refresh();
      final List<ArxivId> all =
          database.read(handle -> new Publications(handle).changedSince(Instant.EPOCH));
      for (int from = 0; from < all.size(); from += BATCH) {
        updating.lock();
        try {
          put(all.subList(from, Math.min(all.size(), from + BATCH)));
        } finally {
          updating.unlock();
        }
        if (stopped) {
          return;
        }
      }
      updating.lock();
      try {
        commit(other);
        searchers.maybeRefreshBlocking();
        meaning = other;
        edition.incrementAndGet();
      } finally {
        updating.unlock();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot give the papers other vectors", e);
    } finally {
      coming(Optional.empty());
    }
  }

  private void coming(Optional<Meaning> other) {
    updating.lock();
    try {
      coming = other;
    } finally {
      updating.unlock();
    }
  }

  /** Takes over changes of this process that the index does not have yet. */
  private void refreshIfBehind() {
    if (version != database.version() && updating.tryLock()) {
      try {
        refresh();
      } finally {
        updating.unlock();
      }
    }
  }

  private Document document(Publication paper) {
    final String title = Tex.plain(paper.title());
    final String text = Tex.plain(paper.abstractText());
    final String summary = Tex.plain(paper.summary());
    final Document document = new Document();
    document.add(new StringField("id", paper.id().value(), Field.Store.YES));
    document.add(new TextField("title", title, Field.Store.YES));
    document.add(new TextField("abstract", text, Field.Store.YES));
    document.add(new TextField("summary", summary, Field.Store.YES));
    document.add(
        new TextField(
            "authors",
            paper.authors().stream().map(Author::name).collect(Collectors.joining(", ")),
            Field.Store.NO));
    document.add(new TextField("keywords", String.join(", ", paper.keywords()), Field.Store.NO));
    paper.categories().forEach(c -> document.add(new StringField("category", c, Field.Store.NO)));
    document.add(new IntPoint("year", paper.published().atZone(ZoneOffset.UTC).getYear()));
    document.add(new NumericDocValuesField("published", paper.published().getEpochSecond()));
    document.add(new StringField("code", paper.code().isPresent() ? "yes" : "no", Field.Store.NO));
    final String all =
        title
            + ". "
            + title
            + ". "
            + summary
            + " "
            + text
            + " "
            + String.join(" ", paper.keywords());
    vector(document, meaning, all);
    coming.ifPresent(other -> vector(document, other, all));
    return document;
  }

  private static void vector(Document document, Meaning meaning, String text) {
    final float[] vector = meaning.of(text);
    if (!isZero(vector)) {
      document.add(
          new KnnFloatVectorField(field(meaning), vector, VectorSimilarityFunction.DOT_PRODUCT));
    }
  }

  /** Vectors of different meanings have different lengths: each has a field of its own. */
  private static String field(Meaning meaning) {
    return "vector-" + meaning.name();
  }

  /**
   * Answers a question.
   *
   * @param withResults the papers that have results, asked for only where that matters
   */
  public Answer ask(Question question, int offset, int limit, Supplier<Set<String>> withResults) {
    refreshIfBehind();
    final Meaning by = meaning; // first: what is searched then has its vectors
    final Optional<ArxivId> exact = ArxivId.in(question.text());
    try {
      final IndexSearcher searcher = searchers.acquire();
      try {
        if (exact.isPresent()) {
          final boolean there =
              searcher.count(new TermQuery(new Term("id", exact.get().value()))) > 0;
          return new Answer(
              there && offset == 0 ? List.of(new Hit(exact.get(), "", "", false)) : List.of(),
              there ? 1 : 0);
        }
        return answer(searcher, by, question, offset, limit, filter(question, withResults));
      } finally {
        searchers.release(searcher);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot search", e);
    }
  }

  private Answer answer(
      IndexSearcher searcher,
      Meaning by,
      Question question,
      int offset,
      int limit,
      Optional<Query> filter)
      throws IOException {
    if (question.text().isBlank()) {
      final Query all = filter.orElse(MatchAllDocsQuery.INSTANCE);
      final TopDocs newest =
          searcher.search(
              all, offset + limit, new Sort(new SortField("published", SortField.Type.LONG, true)));
      return new Answer(
          hits(
              searcher,
              Arrays.stream(newest.scoreDocs).skip(offset).map(d -> d.doc).toList(),
              Map.of(),
              Set.of()),
          searcher.count(all));
    }
    final Optional<Query> words = words(question.text());
    final int depth = Math.max(DEPTH, offset + limit);
    final List<Integer> byWords = new ArrayList<>();
    long total = 0;
    if (words.isPresent()) {
      final Query query = filtered(words.get(), filter);
      for (final ScoreDoc doc : searcher.search(query, depth).scoreDocs) {
        byWords.add(doc.doc);
      }
      total = searcher.count(query);
    }
    final List<Integer> byMeaning = new ArrayList<>();
    final float[] vector = by.of(question.text());
    if (!isZero(vector)) {
      for (final ScoreDoc doc : near(searcher, by, vector, DEPTH, filter)) {
        // Lucene gives (1 + inner product) / 2.
        if (2 * doc.score - 1 > NEAR_ENOUGH) {
          byMeaning.add(doc.doc);
        }
      }
    }
    final List<Integer> merged =
        merge(byWords, byMeaning).stream().skip(offset).limit(limit).toList();
    final Map<Integer, String[]> marked =
        words.isPresent() ? marked(searcher, words.get(), merged) : Map.of();
    return new Answer(
        hits(searcher, merged, marked, Set.copyOf(byWords)),
        Math.max(total, offset + merged.size()));
  }

  /** Both lists as one, by the sum of the reciprocal ranks. */
  static List<Integer> merge(List<Integer> byWords, List<Integer> byMeaning) {
    final Map<Integer, Double> scores = new LinkedHashMap<>();
    for (final List<Integer> list : List.of(byWords, byMeaning)) {
      for (int i = 0; i < list.size(); i++) {
        scores.merge(list.get(i), 1.0 / (RANK_CONSTANT + i + 1), Double::sum);
      }
    }
    return scores.entrySet().stream()
        .sorted(Map.Entry.<Integer, Double>comparingByValue().reversed())
        .map(Map.Entry::getKey)
        .toList();
  }

  private static ScoreDoc[] near(
      IndexSearcher searcher, Meaning by, float[] vector, int most, Optional<Query> filter)
      throws IOException {
    return searcher.search(
            new KnnFloatVectorQuery(field(by), vector, most, filter.orElse(null)), most)
        .scoreDocs;
  }

  /** The papers nearest to one in meaning. */
  public List<ArxivId> near(ArxivId paper, int most) {
    refreshIfBehind();
    final Optional<Publication> found =
        database.read(handle -> new Publications(handle).find(paper));
    if (found.isEmpty()) {
      return List.of();
    }
    final Publication it = found.get();
    final Meaning by = meaning;
    final float[] vector =
        by.of(
            Tex.plain(
                    it.title() + ". " + it.title() + ". " + it.summary() + " " + it.abstractText())
                + " "
                + String.join(" ", it.keywords()));
    if (isZero(vector)) {
      return List.of();
    }
    try {
      final IndexSearcher searcher = searchers.acquire();
      try {
        final List<ArxivId> ids = new ArrayList<>();
        final StoredFields stored = searcher.storedFields();
        for (final ScoreDoc doc : near(searcher, by, vector, most + 1, Optional.empty())) {
          ids.add(new ArxivId(stored.document(doc.doc, Set.of("id")).get("id")));
        }
        ids.remove(paper);
        return ids.stream().limit(most).toList();
      } finally {
        searchers.release(searcher);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot search", e);
    }
  }

  /** Every word in some field, most of the words in every hit; the last one may be unfinished. */
  private Optional<Query> words(String text) {
    final BooleanQuery.Builder query = new BooleanQuery.Builder();
    final Matcher phrase = PHRASE.matcher(text);
    while (phrase.find()) {
      final List<String> tokens = tokens(phrase.group(1));
      if (tokens.size() > 1) {
        final String[] terms = tokens.toArray(String[]::new);
        query.add(
            new DisjunctionMaxQuery(
                List.of(
                    new PhraseQuery("title", terms),
                    new PhraseQuery("abstract", terms),
                    new PhraseQuery("summary", terms)),
                0),
            Occur.MUST);
      }
    }
    final List<String> tokens = tokens(text);
    for (final String token : tokens) {
      query.add(anywhere(token), Occur.SHOULD);
    }
    final String last =
        text.replaceFirst("^.*[^\\p{L}\\p{N}]", "").toLowerCase(java.util.Locale.ROOT);
    if (last.length() >= 2) {
      query.add(
          new DisjunctionMaxQuery(
              List.of(
                  new PrefixQuery(new Term("title", last)),
                  new PrefixQuery(new Term("authors", last)),
                  new PrefixQuery(new Term("keywords", last))),
              0),
          Occur.SHOULD);
    }
    if (tokens.size() > 1) {
      query.setMinimumNumberShouldMatch((int) Math.ceil(MOST_WORDS * tokens.size()));
    }
    final BooleanQuery built = query.build();
    return built.clauses().isEmpty() ? Optional.empty() : Optional.of(built);
  }

  private static Query anywhere(String token) {
    return new DisjunctionMaxQuery(
        WEIGHTS.entrySet().stream()
            .<Query>map(
                field ->
                    new BoostQuery(
                        new TermQuery(new Term(field.getKey(), token)), field.getValue()))
            .toList(),
        0.1f);
  }

  private List<String> tokens(String text) {
    final List<String> tokens = new ArrayList<>();
    try (TokenStream stream = analyzer.tokenStream("title", text)) {
      final CharTermAttribute term = stream.addAttribute(CharTermAttribute.class);
      stream.reset();
      while (stream.incrementToken()) {
        tokens.add(term.toString());
      }
      stream.end();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot take a text apart in memory", e);
    }
    return tokens;
  }

  private static Optional<Query> filter(Question question, Supplier<Set<String>> withResults) {
    final BooleanQuery.Builder filter = new BooleanQuery.Builder();
    if (question.from().isPresent() || question.to().isPresent()) {
      filter.add(
          IntPoint.newRangeQuery(
              "year",
              question.from().orElse(Integer.MIN_VALUE),
              question.to().orElse(Integer.MAX_VALUE)),
          Occur.FILTER);
    }
    if (!question.category().isEmpty()) {
      filter.add(new TermQuery(new Term("category", question.category())), Occur.FILTER);
    }
    if (question.withCode()) {
      filter.add(new TermQuery(new Term("code", "yes")), Occur.FILTER);
    }
    if (question.withResult()) {
      filter.add(
          new TermInSetQuery("id", withResults.get().stream().map(BytesRef::new).toList()),
          Occur.FILTER);
    }
    final BooleanQuery built = filter.build();
    return built.clauses().isEmpty() ? Optional.empty() : Optional.of(built);
  }

  private static Query filtered(Query query, Optional<Query> filter) {
    return filter
        .<Query>map(
            some ->
                new BooleanQuery.Builder().add(query, Occur.MUST).add(some, Occur.FILTER).build())
        .orElse(query);
  }

  private Map<Integer, String[]> marked(IndexSearcher searcher, Query query, List<Integer> docs)
      throws IOException {
    if (docs.isEmpty()) {
      return Map.of();
    }
    final UnifiedHighlighter highlighter =
        UnifiedHighlighter.builder(searcher, analyzer)
            .withFormatter(new DefaultPassageFormatter("<mark>", "</mark>", " … ", true))
            .withFieldMatcher(_ -> true)
            .withMaxLength(20_000)
            .build();
    final int[] ids = docs.stream().mapToInt(Integer::intValue).toArray();
    final int[] passages = {1, 2, 2};
    final String[] fields = {"title", "abstract", "summary"};
    final Map<String, String[]> found = highlighter.highlightFields(fields, query, ids, passages);
    final Map<Integer, String[]> marked = new HashMap<>();
    for (int i = 0; i < ids.length; i++) {
      final String body = mark(found.get("abstract")[i]);
      marked.put(
          ids[i],
          new String[] {
            mark(found.get("title")[i]), body.isEmpty() ? mark(found.get("summary")[i]) : body
          });
    }
    return marked;
  }

  /** Only where something is marked: the highlighter gives the beginning of the text otherwise. */
  private static String mark(String passage) {
    return passage != null && passage.contains("<mark>") ? passage : "";
  }

  private static List<Hit> hits(
      IndexSearcher searcher,
      List<Integer> docs,
      Map<Integer, String[]> marked,
      Set<Integer> byWords)
      throws IOException {
    final StoredFields stored = searcher.storedFields();
    final List<Hit> hits = new ArrayList<>(docs.size());
    for (final int doc : docs) {
      final IndexableField id = stored.document(doc, Set.of("id")).getField("id");
      final String[] texts = marked.getOrDefault(doc, new String[] {"", ""});
      hits.add(
          new Hit(
              new ArxivId(id.stringValue()),
              texts[0],
              texts[1],
              !byWords.isEmpty() && !byWords.contains(doc)));
    }
    return hits;
  }

  private static boolean isZero(float[] vector) {
    for (final float value : vector) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }

  /** How many papers it knows. */
  public int size() {
    try {
      final IndexSearcher searcher = searchers.acquire();
      try {
        return ((DirectoryReader) searcher.getIndexReader()).numDocs();
      } finally {
        searchers.release(searcher);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot search", e);
    }
  }

  @Override
  public void close() {
    try {
      searchers.close();
      writer.close();
      writer.getDirectory().close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close the search index", e);
    }
  }
}
