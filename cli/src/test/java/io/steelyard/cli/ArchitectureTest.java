package io.steelyard.cli;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleNameEndingWith;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import io.steelyard.kernels.operator.Operators;
import io.steelyard.kernels.simd.Simd;
import io.steelyard.layers.tensor.Like;
import io.steelyard.layers.tensor.Scalars;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The arrows of the house: which module and package may use which. */
class ArchitectureTest {

  /** Methods of DJL's {@code NDManager} that give a new array. */
  private static final Set<String> NUMBER_TAKERS =
      Set.of("mul", "div", "pow", "maximum", "minimum");

  private static final Pattern ARRAY_MAKERS =
      Pattern.compile(
          "create.*|zeros|ones|full|eye|arange|linspace|random.*|truncatedNormal|sample.*");

  private static JavaClasses house;

  @BeforeAll
  static void readClasses() {
    house =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.steelyard");
  }

  @ParameterizedTest
  @ValueSource(strings = {"kernels", "layers", "analysis", "papers", "bench", "feed", "cli"})
  void everyModuleIsSeen(String module) {
    assertThat(house.stream().filter(resideInAPackage("io.steelyard." + module + "..")))
        .as("classes of " + module)
        .isNotEmpty();
  }

  @Test
  void arrowsGoOneWay() {
    layeredArchitecture()
        .consideringOnlyDependenciesInAnyPackage("io.steelyard..")
        .layer("kernels")
        .definedBy("io.steelyard.kernels..")
        .layer("layers")
        .definedBy("io.steelyard.layers..")
        .layer("analysis")
        .definedBy("io.steelyard.analysis..")
        .layer("papers")
        .definedBy("io.steelyard.papers..")
        .layer("bench")
        .definedBy("io.steelyard.bench..")
        .layer("feed")
        .definedBy("io.steelyard.feed..")
        .layer("cli")
        .definedBy("io.steelyard.cli..")
        .whereLayer("cli")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("bench")
        .mayOnlyBeAccessedByLayers("cli")
        .whereLayer("feed")
        .mayOnlyBeAccessedByLayers("cli")
        .whereLayer("papers")
        .mayOnlyBeAccessedByLayers("bench", "feed", "cli")
        .whereLayer("analysis")
        .mayOnlyBeAccessedByLayers("papers", "bench", "feed", "cli")
        .whereLayer("layers")
        .mayOnlyBeAccessedByLayers("analysis", "papers", "bench", "feed", "cli")
        .ensureAllClassesAreContainedInArchitecture()
        .check(house);
  }

  @Test
  void kernelsNeedNothingButTheJdk() {
    classes()
        .that()
        .resideInAPackage("io.steelyard.kernels..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage("io.steelyard.kernels..", "java..", "jdk.incubator.vector..")
        .check(house);
  }

  /** A registry names what is registered, which knows nothing of the registry. */
  @ParameterizedTest
  @ValueSource(strings = {"kernels", "layers", "analysis", "papers", "bench", "feed", "cli"})
  void packagesOfAModuleHaveNoCyclesButThroughARegistry(String module) {
    slices()
        .matching("io.steelyard." + module + ".(**)")
        .should()
        .beFreeOfCycles()
        .ignoreDependency(type(Operators.class), alwaysTrue())
        .check(house);
  }

  /**
   * Code that needs the vector module is reached through a facade, which asks first: the public
   * class beside it, or that of another family, whose hidden classes may use it too.
   */
  @Test
  void simdClassesAreUsedByTheirPackageAndHiddenClasses() {
    classes()
        .that(simpleNameEndingWith("Simd").and(not(type(Simd.class))))
        .should(onlyBeUsedFromTheirPackageOrByHiddenClasses())
        .check(house);
  }

  @Test
  void enginesAreStartedInOnePlace() {
    noClasses()
        .that(not(resideInAPackage("io.steelyard.layers.engine..")))
        .should()
        .callMethodWhere(startsAnEngine())
        .check(house);
  }

  /** Else an array ends up on another device or in another type than what it is combined with. */
  @Test
  void layersMakeArraysLikeThoseTheyAreGiven() {
    noClasses()
        .that(resideInAPackage("io.steelyard.layers.."))
        .and(
            not(
                resideInAnyPackage(
                    "io.steelyard.layers.tensor..",
                    "io.steelyard.layers.training..",
                    "io.steelyard.layers.engine..",
                    "io.steelyard.layers.initializer..")))
        .should()
        .callMethodWhere(makesAnArray())
        .check(house);
    assertThat(house.get(Like.class).getMethodCallsFromSelf())
        .as("what the rule looks for is there to be found")
        .anyMatch(makesAnArray());
  }

  /** DJL lets go of the number while the gradient still points to it; see {@link Scalars}. */
  @Test
  void numbersMeetArraysInOnePlace() {
    noClasses().should().callMethodWhere(leavesANumberToTheGradient()).check(house);
  }

  @Test
  void packagesAreNamedAfterTheField() {
    noClasses()
        .should()
        .resideInAnyPackage("..util..", "..utils..", "..common..", "..impl..", "..manager..")
        .check(house);
  }

  private static ArchCondition<JavaClass> onlyBeUsedFromTheirPackageOrByHiddenClasses() {
    return new ArchCondition<>(
        "only be used from their own package, by each other or by classes that are not public") {
      @Override
      public void check(JavaClass simd, ConditionEvents events) {
        final List<String> strangers =
            simd.getDirectDependenciesToSelf().stream()
                .map(dependency -> dependency.getOriginClass())
                .filter(user -> !user.getPackageName().equals(simd.getPackageName()))
                .filter(user -> !user.getSimpleName().endsWith("Simd"))
                .filter(user -> user.getModifiers().contains(JavaModifier.PUBLIC))
                .map(JavaClass::getName)
                .distinct()
                .toList();
        events.add(
            new SimpleConditionEvent(
                simd,
                strangers.isEmpty(),
                simd.getName()
                    + " is used by "
                    + strangers.stream().collect(Collectors.joining(", "))));
      }
    };
  }

  private static DescribedPredicate<JavaMethodCall> startsAnEngine() {
    return DescribedPredicate.describe(
        "starts a DJL engine",
        call ->
            call.getTargetOwner().getName().equals("ai.djl.engine.Engine")
                && (call.getName().equals("getInstance") || call.getName().equals("getEngine")));
  }

  private static DescribedPredicate<JavaMethodCall> makesAnArray() {
    return DescribedPredicate.describe(
        "makes an array by an NDManager",
        call ->
            call.getTargetOwner().isAssignableTo(NDManager.class)
                && ARRAY_MAKERS.matcher(call.getName()).matches());
  }

  private static DescribedPredicate<JavaMethodCall> leavesANumberToTheGradient() {
    return DescribedPredicate.describe(
        "multiplies, divides, raises or bounds an array by a Java number",
        call ->
            (call.getTargetOwner().isAssignableTo(NDArray.class)
                    || call.getTargetOwner().isEquivalentTo(NDArrays.class))
                && NUMBER_TAKERS.contains(call.getName())
                && call.getTarget().getRawParameterTypes().stream()
                    .anyMatch(type -> type.isEquivalentTo(Number.class)));
  }
}
