package io.steelyard.kernels.attention;

import io.steelyard.kernels.mask.Mask;
import io.steelyard.kernels.operator.Arguments;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.operator.Port;
import io.steelyard.kernels.rows.RowMask;
import io.steelyard.kernels.tensor.DType;
import io.steelyard.kernels.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.DoubleUnaryOperator;

/**
 * What the attention operators have in common: their ports and parameters, the checks of their
 * shapes, and in double the scores of one query.
 *
 * @param batch B
 * @param heads H, of queries
 * @param keyHeads heads of keys and values; H is a multiple of it, and query head h uses key head
 *     {@code h keyHeads / H}
 * @param queries Tq
 * @param keys Tk
 * @param depth D, extent of a query and a key
 * @param width Dv, extent of a value
 */
public record Heads(
    int batch, int heads, int keyHeads, int queries, int keys, int depth, int width) {

  /** In place of log-sum-exps that are not wanted: an Optional around the others is garbage. */
  static final Tensor NO_SUMS = Tensor.zeros(DType.F32, 0);

  private static final ThreadLocal<Heads> LAST =
      ThreadLocal.withInitial(() -> new Heads(0, 1, 1, 0, 0, 0, 0));

  private static final Port Q = Port.of("q", "Q", "[B, H, Tq, D]", "Queries.");
  private static final Port K = Port.of("k", "K", "[B, Hk, Tk, D]", "Keys; H is a multiple of Hk.");
  private static final Port V = Port.of("v", "V", "[B, Hk, Tk, Dv]", "Values.");

  /** Queries, keys and values, for attentions that take nothing else. */
  public static final List<Port> TENSORS = List.of(Q, K, V);

  static final List<Port> INPUTS =
      List.of(
          Q,
          K,
          V,
          Port.mask("mask", "mask", "broadcasts to [B, H, Tq, Tk]", "True where a key is seen."),
          new Port(
              "bias",
              "bias",
              Port.Kind.FLOAT,
              "broadcasts to [B, H, Tq, Tk]",
              true,
              "Added to the scores; -inf hides a key."),
          new Port(
              "slopes", "m", Port.Kind.FLOAT, "[H]", true, "ALiBi: score - m |i + Tk - Tq - j|."),
          new Port(
              "lengths",
              "lengths",
              Port.Kind.INTEGER,
              "broadcasts to [B, H, Tq, 1]",
              true,
              "How many leading keys each query sees."));

  /** What every attention returns. */
  public static final List<Port> OUTPUTS =
      List.of(Port.of("o", "O", "[B, H, Tq, Dv]", "Weighted sums of values."));

  /** What every gradient needs besides the inputs. */
  public static final List<Port> COTANGENTS =
      List.of(Port.of("do", "dL/dO", "[B, H, Tq, Dv]", "Gradient with respect to o."));

  /** What every gradient returns. */
  public static final List<Port> GRADIENTS =
      List.of(
          Port.of("dq", "dL/dQ", "[B, H, Tq, D]", "Gradient with respect to q."),
          Port.of("dk", "dL/dK", "[B, Hk, Tk, D]", "Gradient with respect to k."),
          Port.of("dv", "dL/dV", "[B, Hk, Tk, Dv]", "Gradient with respect to v."));

  /** The parameters of every attention, with those of one before them. */
  static List<Parameter> parameters(Parameter... own) {
    return parameters("Factor of q.k; 0 for 1/sqrt(D).", own);
  }

  /** As {@link #parameters(Parameter...)}, with another description of the scale. */
  static List<Parameter> parameters(String scale, Parameter... own) {
    final List<Parameter> all = new ArrayList<>(List.of(own));
    all.add(
        new Parameter.Flag("causal", "causal", false, "Whether query i sees j <= i + Tk - Tq."));
    all.add(
        new Parameter.Real(
            "scale", "s", 0.0, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, scale));
    all.add(
        new Parameter.Whole(
            "threads",
            "threads",
            0L,
            0,
            Integer.MAX_VALUE,
            "Most threads to use; 0 for all processors."));
    return List.copyOf(all);
  }

  /** The options that a call by name asks for. */
  static AttentionOptions options(Arguments arguments) {
    Mask mask = arguments.flag("causal") ? Mask.causal() : Mask.none();
    mask = arguments.optional("mask").map(Mask::keep).map(mask::and).orElse(mask);
    mask = arguments.optional("lengths").map(Mask::lengths).map(mask::and).orElse(mask);
    final double scale = arguments.real("scale");
    return new AttentionOptions(
        mask,
        arguments.optional("bias"),
        arguments.optional("slopes"),
        scale == 0 ? OptionalDouble.empty() : OptionalDouble.of(scale),
        (int) arguments.whole("threads"));
  }

  /** A new output for a call by name. */
  public static Tensor newOutput(Arguments arguments) {
    final Tensor q = arguments.tensor("q");
    final Tensor v = arguments.tensor("v");
    checkRank("q", q);
    checkRank("v", v);
    return Tensor.zeros(q.dtype(), q.dim(0), q.dim(1), q.dim(2), v.dim(3));
  }

  /**
   * Checks the inputs of a call and reads their extents.
   *
   * @throws IllegalArgumentException if dtypes or shapes do not fit
   */
  public static Heads of(Tensor q, Tensor k, Tensor v) {
    checkRank("q", q);
    checkRank("k", k);
    checkRank("v", v);
    final DType dtype = q.dtype().accumulator();
    if (!dtype.isFloat()) {
      throw new IllegalArgumentException("q is " + q + "; expected f32, f64, f16 or bf16");
    }
    check("k", k, stored(k, dtype), q.dim(0), k.dim(1), k.dim(2), q.dim(3));
    check("v", v, stored(v, dtype), q.dim(0), k.dim(1), k.dim(2), v.dim(3));
    if (k.dim(1) == 0 ? q.dim(1) != 0 : q.dim(1) % k.dim(1) != 0) {
      throw new IllegalArgumentException(
          "k is " + k + "; expected a number of heads that divides the " + q.dim(1) + " of q");
    }
    return cached(
        Math.toIntExact(q.dim(0)),
        Math.toIntExact(q.dim(1)),
        Math.toIntExact(k.dim(1)),
        Math.toIntExact(q.dim(2)),
        Math.toIntExact(k.dim(2)),
        Math.toIntExact(q.dim(3)),
        Math.toIntExact(v.dim(3)));
  }

  /** As {@link #of(Tensor, Tensor, Tensor)}, and checks what the options add. */
  static Heads of(Tensor q, Tensor k, Tensor v, AttentionOptions options) {
    final Heads heads = of(q, k, v);
    final DType dtype = q.dtype().accumulator();
    if (options.bias().isPresent()) {
      heads.checkBias(options.bias().get(), dtype);
    }
    if (options.slopes().isPresent()) {
      final Tensor slopes = options.slopes().get();
      if (slopes.dtype() != dtype || slopes.rank() != 1 || slopes.dim(0) != heads.heads) {
        throw unexpected("slopes", slopes, dtype, heads.heads);
      }
    }
    return heads;
  }

  /** As {@link #of(Tensor, Tensor, Tensor, AttentionOptions)}, and checks the output. */
  static Heads of(Tensor q, Tensor k, Tensor v, Tensor o, AttentionOptions options) {
    final Heads heads = of(q, k, v, options);
    heads.checkOutput(q, k, v, o);
    return heads;
  }

  /** Checks the output of a call. */
  public void checkOutput(Tensor q, Tensor k, Tensor v, Tensor o) {
    checkLikeOutput("o", o, q.dtype().accumulator());
    if (o.memory().isReadOnly()) {
      throw new IllegalArgumentException("o is read-only; expected memory to write to");
    }
    checkApart("q", q, o);
    checkApart("k", k, o);
    checkApart("v", v, o);
  }

  /** Checks a tensor with the shape of the output. */
  void checkLikeOutput(String name, Tensor tensor, DType dtype) {
    check(name, tensor, dtype, batch, heads, queries, width);
  }

  /** Checks a tensor of one number for each query. */
  void checkLogSums(Tensor lse, DType dtype) {
    if (lse.dtype() != dtype
        || lse.rank() != 3
        || lse.dim(0) != batch
        || lse.dim(1) != heads
        || lse.dim(2) != queries) {
      throw unexpected("lse", lse, dtype, batch, heads, queries);
    }
  }

  /** Checks the tensors that gradients are read from and written to. */
  public void checkVjp(Tensor q, Tensor cotangent, Tensor dq, Tensor dk, Tensor dv) {
    final DType dtype = q.dtype().accumulator();
    checkLikeOutput("do", cotangent, dtype);
    check("dq", dq, dtype, batch, heads, queries, depth);
    check("dk", dk, dtype, batch, keyHeads, keys, depth);
    check("dv", dv, dtype, batch, keyHeads, keys, width);
    if (dq.memory().isReadOnly() || dk.memory().isReadOnly() || dv.memory().isReadOnly()) {
      throw new IllegalArgumentException(
          "one of dq, dk, dv is read-only; expected memory to write to");
    }
    if (dq.overlaps(dk) || dq.overlaps(dv) || dk.overlaps(dv)) {
      throw new IllegalArgumentException(
          "dq, dk and dv share memory; expected memory of their own");
    }
  }

  /** What keys or values may be stored as: as their queries are computed, or in 16 bits. */
  private static DType stored(Tensor tensor, DType computed) {
    return tensor.dtype().accumulator() == computed ? tensor.dtype() : computed;
  }

  private static void checkRank(String name, Tensor tensor) {
    if (tensor.rank() != 4) {
      throw new IllegalArgumentException(
          name + " is " + tensor + "; expected the axes [B, H, T, D]");
    }
  }

  /** The extents of the last call of this thread, if they are the same: a call is no garbage. */
  static Heads cached(
      int batch, int heads, int keyHeads, int queries, int keys, int depth, int width) {
    final Heads last = LAST.get();
    if (last.batch == batch
        && last.heads == heads
        && last.keyHeads == keyHeads
        && last.queries == queries
        && last.keys == keys
        && last.depth == depth
        && last.width == width) {
      return last;
    }
    final Heads fresh = new Heads(batch, heads, keyHeads, queries, keys, depth, width);
    LAST.set(fresh);
    return fresh;
  }

  private static void check(
      String name, Tensor tensor, DType dtype, long batch, long heads, long tokens, long extent) {
    if (tensor.dtype() != dtype
        || tensor.rank() != 4
        || tensor.dim(0) != batch
        || tensor.dim(1) != heads
        || tensor.dim(2) != tokens
        || tensor.dim(3) != extent) {
      throw unexpected(name, tensor, dtype, batch, heads, tokens, extent);
    }
  }

  private static IllegalArgumentException unexpected(
      String name, Tensor tensor, DType dtype, long... shape) {
    return new IllegalArgumentException(
        name + " is " + tensor + "; expected " + dtype.label() + Arrays.toString(shape));
  }

  private static void checkApart(String name, Tensor input, Tensor o) {
    if (o.overlaps(input)) {
      throw new IllegalArgumentException(
          "o shares memory with " + name + "; expected memory of its own");
    }
  }

  private void checkBias(Tensor bias, DType dtype) {
    final int lead = 4 - bias.rank();
    boolean fits = bias.dtype() == dtype && lead >= 0;
    for (int axis = 0; fits && axis < bias.rank(); axis++) {
      // Not an array: it would be allocated in every call.
      final int extent =
          switch (axis + lead) {
            case 0 -> batch;
            case 1 -> heads;
            case 2 -> queries;
            default -> keys;
          };
      fits = bias.dim(axis) == 1 || bias.dim(axis) == extent;
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "bias is "
              + bias
              + "; expected "
              + dtype.label()
              + ", broadcastable to the scores "
              + List.of(batch, heads, queries, keys));
    }
  }

  /** A tensor with the shape of the scores that takes no memory, for masks and biases to fit to. */
  Tensor scores() {
    return Tensor.of(new float[1], 1, 1, 1, 1).broadcastTo(batch, heads, queries, keys);
  }

  /** The factor of {@code q.k}. */
  double scale(AttentionOptions options) {
    return options.scale().orElse(1 / Math.sqrt(depth));
  }

  /** {@code ln D ln N}: the factor of the cosine of a query that sees N keys, 0 where N is. */
  static double lengthScale(int depth, long seen) {
    return Math.log(depth) * Math.log((double) Math.max(1, seen));
  }

  /** Row of the keys and values, among all of theirs, that key 0 of a query's row stands in. */
  long keyRow(long queryRow) {
    return (long) keyHead(Math.toIntExact(queryRow / queries)) * keys;
  }

  /** The key head, among those of all batches, that a query head among all of theirs reads. */
  public int keyHead(int head) {
    return head / heads * keyHeads + (int) ((long) (head % heads) * keyHeads / heads);
  }

  /** What scores are made of, in double. */
  sealed interface Scoring {

    /** {@code s q.k}. */
    record Products() implements Scoring {

      static final Products PLAIN = new Products();
    }

    /** {@code -s |q - k|^2 / 2}. */
    record Distances() implements Scoring {

      static final Distances PLAIN = new Distances();
    }

    /**
     * {@code s cos(q, k)}, where s is {@code ln D ln(N + earlier)} unless the options give one and
     * N is the number of keys seen.
     */
    record Cosines(long earlier) implements Scoring {}

    /**
     * {@code s tau_q q.k}; values are multiplied by {@code tau_v}. A temperature that is not there
     * is 1.
     */
    record Tempered(Optional<Tensor> queries, Optional<Tensor> values) implements Scoring {}
  }

  /** In double, the scores of one query and which keys it sees. */
  final class Row {

    private final Tensor q;
    private final RowMask mask = new RowMask();
    private final Optional<Tensor> bias;
    private final Optional<Tensor> slopes;
    private final Tensor like;
    private final AttentionOptions options;
    private final Scoring scoring;
    private final double[] keyNorms = new double[batch * keyHeads * keys];
    private double queryNorm = 1;

    /** The loaded query, and all keys, or their directions. */
    private final double[] query = new double[depth];

    private final double[][] keyRows = new double[keyNorms.length][depth];

    /** What the product of query and key is multiplied by. */
    double factor;

    final double[] scores = new double[keys];
    final boolean[] seen = new boolean[keys];

    Row(Tensor q, Tensor k, AttentionOptions options, Scoring scoring) {
      this.q = q;
      this.options = options;
      this.scoring = scoring;
      for (int row = 0; row < keyNorms.length; row++) {
        keyNorms[row] = load(k, row, keyRows[row]);
      }
      bias = options.bias().map(b -> b.broadcastTo(batch, heads, queries, keys));
      slopes = options.slopes();
      like = Heads.this.scores();
      mask.bind(options.mask(), like);
    }

    /** Fills {@link #scores} and {@link #seen} for a row of the queries. */
    void load(long row) {
      final long i = row % queries;
      final long h = row / queries % heads;
      final long visible = mask.visible(row);
      int count = 0;
      for (int j = 0; j < keys; j++) {
        seen[j] = j < visible && mask.keeps(row, j) && added(row, j) != Double.NEGATIVE_INFINITY;
        count += seen[j] ? 1 : 0;
      }
      queryNorm = load(q, row, query);
      factor = factor(row, count);
      for (int j = 0; j < keys; j++) {
        double score = factor * similarity(row, j) + added(row, j);
        if (slopes.isPresent()) {
          score -= slopes.get().get(h) * Math.abs(i + keys - queries - j);
        }
        scores[j] = score;
      }
    }

    private double added(long row, int j) {
      return bias.isPresent()
          ? bias.get().getDouble(bias.get().rowOffset(row) + j * bias.get().rowStride())
          : 0;
    }

    private double factor(long row, int count) {
      return switch (scoring) {
        case Scoring.Products _, Scoring.Distances _ -> scale(options);
        case Scoring.Cosines(long earlier) ->
            options.scale().orElse(lengthScale(depth, count + earlier));
        case Scoring.Tempered(Optional<Tensor> temperatures, _) ->
            scale(options) * temperature(temperatures, row);
      };
    }

    /** What a value is multiplied by. */
    double valueFactor(long keyRow) {
      return scoring instanceof Scoring.Tempered(_, Optional<Tensor> temperatures)
          ? temperature(temperatures, keyRow)
          : 1;
    }

    /** All values times their factors: every query goes over them again. */
    double[][] values(Tensor v) {
      final double[][] values = new double[batch * keyHeads * keys][width];
      for (int keyRow = 0; keyRow < values.length; keyRow++) {
        final double factor = valueFactor(keyRow);
        for (int c = 0; c < width; c++) {
          values[keyRow][c] = factor * element(v, keyRow, c);
        }
      }
      return values;
    }

    private static double temperature(Optional<Tensor> temperatures, long row) {
      return temperatures.isPresent()
          ? temperatures.get().getDouble(temperatures.get().flatIndex(row))
          : 1;
    }

    /** 1 where scores are not of directions, infinite where a vector has none. */
    private double norm(Tensor vectors, long row) {
      if (!(scoring instanceof Scoring.Cosines)) {
        return 1;
      }
      double largest = 0;
      for (int c = 0; c < depth; c++) {
        largest = Math.max(largest, Math.abs(element(vectors, row, c)));
      }
      double squares = 0;
      for (int c = 0; c < depth; c++) {
        final double part = largest == 0 ? 0 : element(vectors, row, c) / largest;
        squares += part * part;
      }
      final double norm = largest * Math.sqrt(squares);
      return norm < AttentionScores.SHORTEST ? Double.POSITIVE_INFINITY : norm;
    }

    /** Loads a vector over its norm; returns the norm. */
    private double load(Tensor vectors, long row, double[] to) {
      final double norm = norm(vectors, row);
      for (int c = 0; c < depth; c++) {
        to[c] = element(vectors, row, c) / norm;
      }
      return norm;
    }

    private static double element(Tensor tensor, long row, int c) {
      return tensor.getDouble(tensor.rowOffset(row) + c * tensor.rowStride());
    }

    /** A coordinate of the loaded query, or of its direction. */
    double query(int c) {
      return query[c];
    }

    /** A coordinate of a key, or of its direction. */
    double key(int keyRow, int c) {
      return keyRows[keyRow][c];
    }

    private double dot(long row, int j) {
      final double[] key = keyRows[Math.toIntExact(keyRow(row) + j)];
      double dot = 0;
      for (int c = 0; c < depth; c++) {
        dot += query[c] * key[c];
      }
      return dot;
    }

    /** What {@link #factor} times it is the score. */
    private double similarity(long row, int j) {
      return scoring instanceof Scoring.Distances ? squaredDistance(row, j) / -2 : dot(row, j);
    }

    private double squaredDistance(long row, int j) {
      final double[] key = keyRows[Math.toIntExact(keyRow(row) + j)];
      double sum = 0;
      for (int c = 0; c < depth; c++) {
        sum += (query[c] - key[c]) * (query[c] - key[c]);
      }
      return sum;
    }

    /** From the gradient of the loaded query, or of its direction, to that of the query. */
    void queryGradient(double[] sums) {
      alongSphere(sums, queryNorm, query);
    }

    /** As {@link #queryGradient}, of a key. */
    void keyGradient(int keyRow, double[] sums) {
      alongSphere(sums, keyNorms[keyRow], keyRows[keyRow]);
    }

    private void alongSphere(double[] sums, double norm, double[] direction) {
      // A vector that nobody sees gets nothing, whatever stands in it.
      if (!(scoring instanceof Scoring.Cosines) || Arrays.stream(sums).allMatch(s -> s == 0)) {
        return;
      }
      double dot = 0;
      for (int c = 0; c < depth; c++) {
        dot += sums[c] * direction[c];
      }
      for (int c = 0; c < depth; c++) {
        sums[c] = (sums[c] - dot * direction[c]) / norm;
      }
    }
  }

  /**
   * Attention with weights that are a function of one score alone, in double; or of a row, where
   * {@code normalise} turns the seen scores into weights first.
   */
  void meaning(
      Tensor q, Tensor k, Tensor v, Tensor o, AttentionOptions options, Weights normalise) {
    meaning(q, k, v, o, options, Scoring.Products.PLAIN, normalise);
  }

  /** As {@link #meaning(Tensor, Tensor, Tensor, Tensor, AttentionOptions, Weights)}. */
  void meaning(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor o,
      AttentionOptions options,
      Scoring scoring,
      Weights normalise) {
    final Row row = new Row(q, k, options, scoring);
    final double[][] values = row.values(v);
    final double[] sums = new double[width];
    for (long r = 0; r < (long) batch * heads * queries; r++) {
      row.load(r);
      normalise.apply(row.scores, row.seen);
      final int keyRow = Math.toIntExact(keyRow(r));
      final long at = o.rowOffset(r);
      Arrays.fill(sums, 0);
      for (int j = 0; j < keys; j++) {
        if (row.seen[j]) {
          final double weight = row.scores[j];
          final double[] value = values[keyRow + j];
          for (int c = 0; c < width; c++) {
            sums[c] += weight * value[c];
          }
        }
      }
      for (int c = 0; c < width; c++) {
        o.setDouble(at + c * o.rowStride(), sums[c]);
      }
    }
  }

  /** Gradients of {@link #meaning}, in double, rounded once at the end. */
  void vjpMeaning(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      AttentionOptions options,
      Weights normalise,
      ScoreGradients gradients) {
    vjpMeaning(
        q,
        k,
        v,
        cotangent,
        dq,
        dk,
        dv,
        Temperatures.none(),
        options,
        Scoring.Products.PLAIN,
        normalise,
        gradients);
  }

  /** As the shorter form, of directions, with weights by a normaliser. */
  void vjpMeaning(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      AttentionOptions options,
      Scoring.Cosines scoring,
      SoftplusRow row) {
    vjpMeaning(q, k, v, cotangent, dq, dk, dv, Temperatures.none(), options, scoring, row, row);
  }

  /** As the shorter form, with the gradients of temperatures where they are wanted. */
  void vjpMeaning(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor cotangent,
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Temperatures temperatureGradients,
      AttentionOptions options,
      Scoring scoring,
      Weights normalise,
      ScoreGradients gradients) {
    final Row row = new Row(q, k, options, scoring);
    final double[][] keySums = new double[batch * keyHeads * keys][depth];
    final double[][] valueSums = new double[batch * keyHeads * keys][width];
    final double[][] values = row.values(v);
    final double[] dp = new double[keys];
    final double[] query = new double[depth];
    final double[] g = new double[width];
    for (long r = 0; r < (long) batch * heads * queries; r++) {
      row.load(r);
      normalise.apply(row.scores, row.seen);
      final int keyRow = Math.toIntExact(keyRow(r));
      for (int c = 0; c < width; c++) {
        g[c] = Row.element(cotangent, r, c);
      }
      for (int j = 0; j < keys; j++) {
        dp[j] = 0;
        for (int c = 0; row.seen[j] && c < width; c++) {
          dp[j] += g[c] * values[keyRow + j][c];
          valueSums[keyRow + j][c] += row.scores[j] * g[c];
        }
      }
      gradients.apply(row.scores, dp, row.seen);
      Arrays.fill(query, 0);
      for (int j = 0; j < keys; j++) {
        for (int c = 0; row.seen[j] && c < depth; c++) {
          final double key = row.key(keyRow + j, c);
          final double own = row.query(c);
          final boolean distances = scoring instanceof Scoring.Distances;
          query[c] += dp[j] * (distances ? key - own : key);
          keySums[keyRow + j][c] += row.factor * dp[j] * (distances ? own - key : own);
        }
      }
      final double plain = scale(options);
      final long index = r;
      temperatureGradients
          .queries()
          .ifPresent(to -> to.setDouble(to.flatIndex(index), plain * dot(q, index, query)));
      row.queryGradient(query);
      write(dq, r, query, row.factor);
    }
    for (int r = 0; r < keySums.length; r++) {
      final int index = r;
      row.keyGradient(r, keySums[r]);
      write(dk, r, keySums[r], 1);
      temperatureGradients
          .values()
          .ifPresent(to -> to.setDouble(to.flatIndex(index), dot(v, index, valueSums[index])));
      write(dv, r, valueSums[r], row.valueFactor(r));
    }
  }

  private static double dot(Tensor vectors, long row, double[] sums) {
    double dot = 0;
    for (int c = 0; c < sums.length; c++) {
      dot +=
          sums[c] == 0
              ? 0
              : sums[c] * vectors.getDouble(vectors.rowOffset(row) + c * vectors.rowStride());
    }
    return dot;
  }

  private static void write(Tensor to, long row, double[] sums, double factor) {
    for (int c = 0; c < sums.length; c++) {
      to.setDouble(to.rowOffset(row) + c * to.rowStride(), sums[c] == 0 ? 0 : sums[c] * factor);
    }
  }

  /** Turns the gradients of one query's weights into those of its scores, in place. */
  interface ScoreGradients {

    /** Entries that are not seen are left alone. */
    void apply(double[] weights, double[] gradients, boolean[] seen);
  }

  /** Turns the scores of one query into weights, in place. */
  interface Weights {

    /** Entries that are not seen are left alone. */
    void apply(double[] scores, boolean[] seen);

    /** Weights that depend on their own score alone. */
    static Weights each(DoubleUnaryOperator weight) {
      return (scores, seen) -> {
        for (int j = 0; j < scores.length; j++) {
          scores[j] = seen[j] ? weight.applyAsDouble(scores[j]) : 0;
        }
      };
    }
  }
}
