package javax.annotation;

/** What generated classes are marked with; Java itself has had no such annotation since version 11. */
public @interface Generated {
  String[] value();

  String date() default "";

  String comments() default "";
}
