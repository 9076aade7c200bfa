//! Gender: labels that say it, and given names that fit it.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::persona;

/// What a row says of its person's gender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Gender {
    /// A woman or girl.
    Woman,
    /// A man or boy.
    Man,
}

/// Labels and forms of address for women, in lower case, without punctuation.
const WOMAN: &str = "f female w woman women girl she her weiblich frau femme femenino femenina feminino feminina mujer fille \
     femminile femmina donna vrouw vrouwelijk kvinna kvinde kvinne nainen kobieta kadin kadın zhenshchina mrs ms miss mme \
     madame mlle mademoiselle sra senora señora srta senorita señorita signora sigra signorina mevrouw mevr mw fru dona \
     doña lady madam dame pani rouva";
/// Labels and forms of address for men.
const MAN: &str = "m h male man men boy he him mannlich männlich herr homme hombre masculino masculin garcon garçon maschio \
     maschile uomo mannelijk mies mand mann mężczyzna mezczyzna erkek mr mister monsieur sr senor señor sig signor \
     signore dhr meneer heer don sir lord pan herra hr mnr";

impl Gender {
    /// Reads a label in a few languages. `spanish`: the column has `H` for *hombre*, so `M` is *mujer*.
    pub(super) fn read(label: &str, spanish: bool) -> Option<Self> {
        let plain: String = label.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
        if spanish && plain == "m" {
            return Some(Self::Woman);
        }
        let among = |list: &str| list.split_whitespace().any(|word| word == plain);
        if among(WOMAN) { Some(Self::Woman) } else { among(MAN).then_some(Self::Man) }
    }

    /// The gender that most people of a given name have; `None` if the name is for both or not known here.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        static KNOWN: LazyLock<BTreeMap<String, Gender>> = LazyLock::new(|| {
            let of = |names: &'static Vec<&'static str>, gender| {
                names.iter().map(move |name| (name.to_lowercase(), gender))
            };
            of(&WOMEN, Gender::Woman).chain(of(&MEN, Gender::Man)).collect()
        });
        let first = name.split(|c: char| !c.is_alphabetic()).find(|word| word.chars().count() > 1)?;
        KNOWN.get(&first.to_lowercase()).copied()
    }

    /// Given names to write.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Woman => &WOMEN,
            Self::Man => &MEN,
        }
    }
}

/// True if the labels use `H` for men, as Spanish and French do; `M` is a woman then.
pub(super) fn is_spanish<'a>(labels: impl Iterator<Item = &'a str> + Clone) -> bool {
    let has = |letter: &str| labels.clone().any(|label| label.trim().eq_ignore_ascii_case(letter));
    has("h") && has("m") && !has("f")
}

/// Given names that are mostly women's.
static WOMEN: LazyLock<Vec<&'static str>> = LazyLock::new(|| WOMEN_NAMES.split_whitespace().collect());
/// Given names that are mostly men's.
static MEN: LazyLock<Vec<&'static str>> = LazyLock::new(|| MEN_NAMES.split_whitespace().collect());

/// Given names for a row that does not say its person's gender, in a table where others do: no name of the lists above.
pub(super) static NEUTRAL: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| persona::FIRST.iter().copied().filter(|name| Gender::of_name(name).is_none()).collect());

/// Given names that are mostly women's.
const WOMEN_NAMES: &str = "Abigail Ada Adela Adele Adriana Agnes Aimee Alexandra Alexandria Alice Alicia Alison Allison Alma \
     Amalia Amanda Amber Amelia Amelie Amy Ana Anastasia Angela Angelica Angelina Anita Anna Annabelle \
     Anne Annette Annie Antoinette Antonia Anya April Ariana Arlene Astrid Audrey Augusta Aurelia Ava \
     Barbara Beatrice Bella Berenice Bernadette Bertha Bessie Beth Bethany Betsy Betty Bianca Blanca \
     Bonnie Brenda Briana Bridget Brigitte Brittany Camila Camilla Candace Carla Carlotta Carmela Carmen \
     Carol Carolina Caroline Carolyn Carrie Cassandra Catalina Catherine Cathy Cecilia Celeste Celia \
     Celine Charlene Charlotte Chelsea Chiara Chloe Christina Christine Cindy Claire Clara Clarissa \
     Claudia Colleen Constance Consuelo Cora Cordelia Cristina Crystal Cynthia Daisy Daniela Danielle \
     Daphne Deanna Deborah Delia Delilah Denise Diana Dolores Donna Dora Doris Dorothea Dorothy Edith \
     Edna Eileen Elaine Eleanor Elena Elisa Elisabeth Elise Eliza Elizabeth Ella Ellen Eloise Elsa Elsie \
     Elvira Emilia Emily Emma Erica Erika Erna Esmeralda Esperanza Estella Esther Ethel Eugenia Eunice \
     Eva Evangeline Eve Evelyn Fabiola Fatima Felicia Felicity Fiona Flora Florence Frances Francesca \
     Francisca Freda Frida Frieda Gabriela Gabriella Gabrielle Genevieve Georgina Geraldine Gertrude Gina \
     Giovanna Gisela Gladys Glenda Gloria Grace Greta Gretchen Guadalupe Gwendolyn Hanna Hannah Hazel \
     Heather Heidi Helen Helena Helene Helga Henrietta Hilda Hildegard Ida Ilse Imelda Ines Inga Ingrid \
     Irene Iris Irma Isabel Isabella Isabelle Ivy Jacqueline Jane Janet Janice Jeanette Jeanne Jennifer \
     Jenny Jessica Jill Joan Joanna Joanne Johanna Josefina Josephine Joy Joyce Juana Juanita Judith Judy \
     Julia Juliana Julie Juliet June Karen Karin Karina Katarina Kate Katharina Katherine Kathleen \
     Kathryn Kathy Katie Katrina Kayla Kelly Kerstin Kimberly Kirsten Klara Kristen Kristin Kristina \
     Kristine Larissa Laura Lauren Laurie Leah Lena Leona Leonor Leticia Lilian Lillian Lily Linda Lisa \
     Lola Lorena Loretta Lorraine Louise Lucia Lucille Lucy Luisa Lydia Mabel Madeleine Madeline \
     Magdalena Maggie Manuela Marcella Margaret Margarita Margot Maria Mariana Marianne Marie Marilyn \
     Marina Marion Marisol Marlene Marta Martha Martina Mary Mathilda Matilda Maureen Maxine Melanie \
     Melinda Melissa Mercedes Meredith Michele Michelle Mildred Millie Minnie Miranda Miriam Molly Monica \
     Monika Monique Muriel Myrtle Nadia Nadine Nancy Naomi Natalia Natalie Natasha Nellie Nicole Nina \
     Nora Norma Odette Olga Olive Olivia Ophelia Pamela Patricia Patsy Paula Paulina Pauline Pearl \
     Penelope Petra Phoebe Phyllis Pilar Polly Priscilla Rachel Ramona Raquel Rebecca Regina Renate Renee \
     Rhonda Rita Roberta Rosa Rosalia Rosalie Rosalind Rosario Rose Roseanne Rosemarie Rosemary Rosie \
     Roxanne Ruby Ruth Sabina Sabine Sabrina Sally Samantha Sandra Sara Sarah Savannah Selena Selma \
     Serena Sharon Sheila Shelly Sherry Shirley Sigrid Silvia Simone Sofia Sonia Sonja Sophia Sophie \
     Stacy Stefanie Stella Stephanie Sue Susan Susana Susanna Susanne Suzanne Sylvia Tabitha Tamara Tania \
     Tanya Tatiana Teresa Thelma Theresa Therese Tiffany Tina Tracey Trinity Trudy Ulrike Ursula Ute \
     Valentina Valerie Vanessa Vera Veronica Veronika Victoria Viola Violet Virginia Vivian Viviana Wanda \
     Wendy Wilhelmina Wilma Winifred Ximena Yolanda Yvette Yvonne Zelda Zoe";
/// Given names that are mostly men's.
const MEN_NAMES: &str = "Aaron Abdul Abel Abraham Adam Adolfo Adrian Ahmed Alan Albert Alberto Alejandro Alessandro Alex \
     Alexander Alfonso Alfred Alfredo Ali Allan Allen Alonzo Alvaro Alvin Ambrose Amos Anders Andre \
     Andreas Andres Andrew Andy Angelo Angus Anthony Anton Antonio Archibald Armand Armando Arnold Arthur \
     Arturo Augustus Barry Bartholomew Basil Ben Benedict Benjamin Bennett Bernard Bernardo Bernd \
     Bernhard Bill Bob Boris Brad Bradley Brandon Brendan Brent Brett Brian Bruce Bruno Bryan Byron Caleb \
     Calvin Carl Carlo Carlos Cecil Cedric Cesar Chad Charles Charlie Chester Chris Christian Christoph \
     Christopher Clarence Claude Claudio Clayton Clement Clifford Clifton Clint Clyde Colin Conrad \
     Cornelius Craig Curtis Cyril Damian Damien Daniel Darius Darren Dave David Dean Dennis Derek Desmond \
     Diego Dieter Dietmar Dirk Dmitri Dominic Don Donald Donovan Douglas Duane Duncan Dustin Dwayne \
     Dwight Dylan Earl Ed Eddie Edgar Edmund Eduardo Edward Edwin Egon Elias Elijah Elliot Elmer Emanuel \
     Emil Emilio Emmanuel Enrico Enrique Eric Erich Erik Ernest Ernesto Ernst Esteban Ethan Eugene Evan \
     Everett Ezra Fabian Federico Felipe Felix Ferdinand Fernando Floyd Francesco Francisco Franco Frank \
     Franz Fred Freddie Frederic Frederick Friedrich Fritz Gabriel Garrett Gary Gaston Gavin Geoffrey \
     Georg George Gerald Gerard Gerardo Gerhard Gilbert Gilberto Giorgio Giovanni Giuseppe Glen Gordon \
     Graham Greg Gregor Gregory Guido Guillermo Gunther Gustav Gustavo Guy Hans Harald Harold Harry \
     Harvey Hassan Hector Heinrich Heinz Helmut Henri Henrik Henry Herbert Herman Hermann Homer Horace \
     Horst Howard Hubert Hugh Hugo Humberto Ian Ibrahim Ignacio Igor Irving Isaac Isaiah Ismael Ivan Jack \
     Jacob Jacques Jaime Jakob Jamal James Jan Jared Jason Javier Jean Jeff Jeffrey Jeremiah Jeremy \
     Jerome Jesse Jim Jimmy Joachim Joaquin Joe Joel Joerg Johann Johannes John Johnny Jon Jonas Jonathan \
     Jorge Jose Josef Joseph Joshua Josiah Juan Juergen Julian Julio Julius Justin Karl Keith Ken Kenneth \
     Kevin Klaus Konrad Kurt Kyle Lambert Lars Laurence Lawrence Leo Leon Leonard Leonardo Leopold Leroy \
     Lester Lewis Liam Linus Lionel Lloyd Lorenzo Louis Luca Lucas Luciano Ludwig Luigi Luis Lukas Luke \
     Luther Malcolm Manfred Manuel Marc Marcel Marcello Marco Marcos Marcus Mario Mark Markus Marshall \
     Martin Marvin Mateo Mathew Matthew Matthias Maurice Mauricio Max Maximilian Maxwell Melvin Michael \
     Miguel Mike Milton Mitchell Mohamed Mohammed Morris Moses Murray Nathan Nathaniel Neil Nelson Nestor \
     Nicholas Nick Nicolas Nigel Nikolaus Noah Norbert Norman Octavio Olaf Oliver Omar Orlando Oscar \
     Oskar Oswald Otto Owen Pablo Paolo Patrick Paul Pedro Percy Peter Phil Philip Philipp Philippe \
     Phillip Pierre Rafael Rainer Ralf Ralph Ramon Raphael Raul Ray Raymond Reginald Reinhard Rene \
     Ricardo Richard Rick Rob Robert Roberto Rodney Rodolfo Rodrigo Roger Roland Rolf Roman Ron Ronald \
     Rory Ross Roy Ruben Rudolf Rudolph Rufus Rupert Russell Salvador Salvatore Sam Samuel Santiago Scott \
     Sean Sebastian Sergei Sergio Seth Siegfried Silas Simon Solomon Spencer Stanley Stefan Stephan \
     Stephen Steve Steven Stuart Sven Sylvester Ted Terence Theodor Theodore Thomas Tim Timothy Tobias \
     Todd Tom Tommy Tony Travis Trevor Tristan Troy Ulrich Umberto Uwe Valentin Vernon Victor Viktor \
     Vincent Vincenzo Vladimir Wallace Walter Warren Wayne Werner Wesley Wilbur Wilfred Wilhelm William \
     Willie Wolfgang Xavier Yusuf Zachary";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn labels_of_a_few_languages_are_read() {
        for label in ["F", "female", "Weiblich", "Mrs.", "Ms", "Frau", "Sra.", "señora", "Mme"] {
            assert_eq!(Gender::read(label, false), Some(Gender::Woman), "{label}");
        }
        for label in ["M", "Male", "männlich", "Mr.", "Herr", "hombre", "Sr.", "Monsieur", "H"] {
            assert_eq!(Gender::read(label, false), Some(Gender::Man), "{label}");
        }
        for label in ["", "X", "Dr.", "unknown", "divers", "1"] {
            assert_eq!(Gender::read(label, false), None, "{label}");
        }
        assert!(is_spanish(["H", "M"].into_iter()) && !is_spanish(["M", "F", "H"].into_iter()));
        assert_eq!(Gender::read("M", true), Some(Gender::Woman));
    }

    #[test]
    fn no_name_is_in_two_lists() {
        let lower = |names: &[&str]| names.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>();
        let (women, men, neutral) = (lower(&WOMEN), lower(&MEN), lower(&NEUTRAL));

        assert!(women.is_disjoint(&men) && neutral.is_disjoint(&women) && neutral.is_disjoint(&men));
        assert_eq!((women.len(), men.len()), (WOMEN.len(), MEN.len()));
        assert!(women.len() > 300 && men.len() > 300 && neutral.len() > 300);
        assert_eq!(Gender::of_name("Anna-Lena"), Some(Gender::Woman));
        assert_eq!(Gender::of_name("A. Peter"), Some(Gender::Man));
    }
}
