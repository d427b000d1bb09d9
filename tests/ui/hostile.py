"""Twenty texts that somebody may have put into a name, a question or an answer: each must be shown as it is."""

HOSTILE = (
    "<script>document.title='taken'</script>",
    "<img src=x onerror=document.title='taken'>",
    "<svg/onload=document.title='taken'>",
    "\"><b onmouseover=document.title='taken'>bold</b>",
    "' onfocus=document.title='taken' autofocus='",
    "<a href=\"javascript:document.title='taken'\">press</a>",
    "<iframe srcdoc=\"<script>parent.document.title='taken'</script>\"></iframe>",
    "</textarea></td></table><h1>outside</h1>",
    "<!-- hidden -->",
    "<style>body{display:none}</style>",
    "<math><mtext></mtext><img src=x onerror=document.title='taken'></math>",
    "&lt;b&gt; &amp;amp; &#60;i&#62;",
    "${document.title='taken'} {{constructor.constructor('document.title=1')()}}",
    "![x](javascript:alert(1)) [a](javascript:alert(1)) **not bold**",
    '=HYPERLINK("http://example.org","press")',
    "＝cmd|'/C calc'!A0",
    "\u202egnidaer etirw\u202c \u2067mirror\u2069",
    "\u200fשָׁלוֹם\u200e abc \u061cسلام",
    "zero\u200bwidth\ufeff\u00ad and a\u0301\u0323\u0489",
    "%{customdata} %{y}<extra>gone</extra> $x^2$ <br> `tick`",
)
