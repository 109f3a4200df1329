import com.fasterxml.jackson.annotation.JsonIgnoreProperties;

/** A value of the input; the peers read no more of it than they need. */
@JsonIgnoreProperties(ignoreUnknown = true)
public class PageView {
    public String user;
}
