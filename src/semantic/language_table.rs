//! Languages of names: the countries that have them, the lists of the crate `fake`, and what tells women's given names
//! from men's, which those lists do not say.

use fake::locales::{DE_DE, Data, FA_IR, FR_FR, IT_IT, JA_JP, NL_NL, PT_BR, PT_PT, TR_TR, ZH_CN, ZH_TW};

use super::language::Script;

/// A language as it is described here.
#[derive(Debug)]
pub(super) struct Described {
    /// Codes of the countries whose names are of it.
    pub(super) countries: &'static str,
    pub(super) script: Script,
    /// Its small letters beside those of ASCII, where it is written in Latin ones: lists have guests.
    pub(super) accents: &'static str,
    pub(super) given: &'static [&'static str],
    pub(super) family: &'static [&'static str],
    pub(super) signs: Signs,
    /// Names of the lists that are none, or of another language.
    pub(super) left_out: &'static str,
    /// A whole name: `F` is the given name, `L` the family's.
    pub(super) order: &'static str,
    /// Streets and towns called after somebody (`{}`), `#` for the number of a house. None: as in English.
    pub(super) streets: &'static [&'static str],
    pub(super) towns: &'static [&'static str],
}

/// What tells women's given names from men's.
#[derive(Debug)]
pub(super) enum Signs {
    /// Names, in plain small letters; for the others what [`super::gender`] knows; then the longest ending.
    Endings {
        women: &'static str,
        men: &'static str,
        both: &'static str,
        womens_ends: &'static str,
        mens_ends: &'static str,
    },
    /// Characters that stand in names of women alone, or of men.
    Characters { women: &'static str, men: &'static str },
    /// Nothing.
    Unknown,
}

const PORTUGUESE: Signs = Signs::Endings {
    women: "alice aline alicia analu beatriz dirce elis emilly ester esther flor heloise iris isabel isis ines \
            jaqueline jasmin joyce karine lais leonor luz mariah matilde mel milene miriam nicole noemi raquel ruth \
            stefany stephany sueli tais thais yasmin iasmin",
    men: "abel alexandre andre cezar cristian dante davi deivid demian denis dinis duarte filipe giovane jose joaquim joshua josue luan \
          luca luis luiz maicon martim michael natan noel renan rui vicente willian yuri",
    both: "alex allison andrea ariel eloah noa simon",
    womens_ends: "a ane iane ele elle ice ely elly len",
    mens_ends: "o ao as es os us el er or ur son ton rme que",
};

const CHINESE: Signs = Signs::Characters {
    women: "雅婷怡惠玲芬靜静佩淑慧娟蓉穎颖芳雯儀珍琪萍美娜娅婕嫣莉梅香蕾蝶彤紫柔媛妍姗珊菲馨芹薇莲兰花婉冰幻雁翠雪甜娇璇萱瑶艳丽燕菡樱玫",
    men: "杰俊伟偉豪宏志强強翰德鼎鸿昌弘彬圣刚邦龙明轩瀚博建信銘傑榮賢勤国世远遠泰松超",
};

/// The languages that have lists, but for Welsh, which most people of its country do not have their names from, and
/// Arabic, whose list has only women's names.
pub(super) const LANGUAGES: &[Described] = &[
    Described {
        countries: "DE AT CH LI",
        script: Script::Latin,
        accents: "äöüß",
        given: DE_DE::NAME_FIRST_NAME,
        family: DE_DE::NAME_LAST_NAME,
        signs: Signs::Endings {
            women: "andrea angelika anja anneliese annekathrin beate birgit christa edeltraut elfriede elke gabriele \
                    gerda gertrud hannelore heike inge ingeborg irmgard jutta lilly lisbeth margarete waltraud",
            men: "alfred gunter gunther joachim jorg jurgen karl rolf willi wolfgang",
            both: "",
            womens_ends: "",
            mens_ends: "",
        },
        left_out: "Karel Maija Meikäläinen Musterfrau Mustermann Paddy",
        order: "F L",
        streets: &["{}straße #", "{}weg #", "{}gasse #"],
        towns: &["{}hausen", "{}dorf", "{}stadt", "{}heim"],
    },
    Described {
        countries: "FR MC GP MQ GF RE PM",
        script: Script::Latin,
        accents: "àâäæçéèêëîïôœùûüÿ",
        given: FR_FR::NAME_FIRST_NAME,
        family: FR_FR::NAME_LAST_NAME,
        signs: Signs::Endings {
            women: "adelaide agathe ambre anais angele annick athenais aude benedicte berangere berengere berthe blanche \
                    candice carole cassandre cathel cecile chantal christele clarisse clemence clothilde clotilde corinne daniele edwige \
                    elvire fanny fleur gilberte gisele gwladys hortense isaure josephe laure laurence lilou lison luce lucile maelys magali \
                    manon margaux marguerite marthe mathilde maud maylis michele myriam nadege nelly ninon nolwenn odile \
                    pascale paule raymonde romy salome soazic soizic solange suzon thais victoire xaviere",
            men: "achille adolphe aime alphonse amaury ambroise alexandre amedee anatole anselme antoine arsene auguste baptiste \
                  barnabe barthelemy basile benoit blaise brice casimir christophe constant desire dimitri elie eloi emile \
                  erwann etienne fabrice franck geoffroy georges gilles gregoire gustave herve honore hugues ignace isidore jeremie jocelyn josue jules \
                  landry lilian luc mathieu mathys matthieu maxence maxime melchior noam octave pacome patrice raoul \
                  remi remy rodolphe rodrigue romuald sami samy serge stephane sylvestre tancrede tanguy theophane theophile thierry \
                  timothe timothee ulysse valery virgile wilfrid yann yves zacharie",
            both: "alix ananie andrea ange ariel camille charlie claude cleo cyrille dominique eden fidele hyacinthe \
                   irenee issa jannick joy loan lou louison lysandre melaine modeste noa olive sacha sasha sidoine yael",
            womens_ends: "a aine ance ande ane anne ee elle ene enne ette ie ience ille ine ique ise oise onne ore yne yse",
            mens_ends: "ac ain al an ard as aud ault aume aut ec el en ent er ert ic ick ien ier in is nd o oi ois ol on \
                        os rt us",
        },
        left_out: "",
        order: "F L",
        streets: &["# rue {}", "# avenue {}", "# place {}"],
        towns: &["{}ville", "Saint {}", "Mont {}"],
    },
    Described {
        countries: "IT SM VA",
        script: Script::Latin,
        accents: "àèéìòù",
        given: IT_IT::NAME_FIRST_NAME,
        family: IT_IT::NAME_LAST_NAME,
        signs: Signs::Endings {
            women: "alice celeste chloe emily isabel matilde nicole noemi",
            men: "andrea christian daniele davide elia emanuele enea ettore gabriel gabriele gioele giuseppe liam luca \
                  mattia michele nathan noah raffaele salvatore samuel samuele simone thomas",
            both: "sole",
            womens_ends: "a",
            mens_ends: "o",
        },
        left_out: "Dalla",
        order: "F L",
        streets: &["Via {} #", "Piazza {} #", "Corso {} #"],
        towns: &["Castel {}", "Borgo {}", "Villa {}"],
    },
    Described {
        countries: "NL BE",
        script: Script::Latin,
        accents: "ëïöéè",
        given: NL_NL::NAME_FIRST_NAME,
        family: NL_NL::NAME_LAST_NAME,
        signs: Signs::Endings {
            women: "annemarie annemieke annet daniek danique evelien fem femke fleur hanneke janneke karlijn lieke linde \
                    lisanne loes lonneke maaike madelief marieke marjolein marjon marloes merel mieke milou mirte \
                    mirthe moniek nienke noortje patty paulien pien pleun renske rianne sanne veerle yfke",
            men: "bas bastiaan daan guus hidde jelle jeroen joep joost joris jos koen lennart loek luuk maarten martijn \
                  matthijs max menno michiel niek noud pepijn remco rik robbert roel ruud sjoerd stef stijn sven teun \
                  thijmen thijs tijn wessel wouter",
            both: "marijn",
            womens_ends: "",
            mens_ends: "",
        },
        left_out: "",
        order: "F L",
        streets: &["{}straat #", "{}laan #", "{}weg #"],
        towns: &["{}dam", "{}veen", "{}hoven"],
    },
    Described {
        countries: "BR",
        script: Script::Latin,
        accents: "áâãàçéêíóôõú",
        given: PT_BR::NAME_FIRST_NAME,
        family: PT_BR::NAME_LAST_NAME,
        signs: PORTUGUESE,
        left_out: "Saito",
        order: "F L",
        streets: &["Rua {} #", "Avenida {} #", "Travessa {} #"],
        towns: &["Vila {}", "Porto {}", "Campo {}"],
    },
    Described {
        countries: "PT AO CV GW MZ ST",
        script: Script::Latin,
        accents: "áâãàçéêíóôõú",
        given: PT_PT::NAME_FIRST_NAME,
        family: PT_PT::NAME_LAST_NAME,
        signs: PORTUGUESE,
        left_out: "",
        order: "F L",
        streets: &["Rua {} #", "Avenida {} #", "Travessa {} #"],
        towns: &["Vila {}", "Porto {}", "Monte {}"],
    },
    Described {
        countries: "TR",
        script: Script::Latin,
        accents: "çğıöşüi\u{307}",
        given: TR_TR::NAME_FIRST_NAME,
        family: TR_TR::NAME_LAST_NAME,
        signs: Signs::Endings {
            women: "ayse busra ceren ece elif emine fatma hatice merve selin zeynep",
            men: "ahmet ali burak hasan huseyin kemal mehmet murat mustafa onur serkan",
            both: "can derya",
            womens_ends: "",
            mens_ends: "",
        },
        left_out: "",
        order: "F L",
        streets: &["{} Caddesi #", "{} Sokak #"],
        towns: &["{}köy", "{}pınar", "Yeni {}"],
    },
    Described {
        countries: "JP",
        script: Script::EastAsian,
        accents: "",
        given: JA_JP::NAME_FIRST_NAME,
        family: JA_JP::NAME_LAST_NAME,
        signs: Signs::Characters {
            women: "あいうさすはひ花華愛美奈菜莉香乃咲桜紗杏茉芽栞玲琴柚彩綾詩菫蘭百緒衣羽",
            men: "太斗翔人介大士也郎匠岳尊慶圭迅櫂潤壮智朔旭航蓮樹颯湊健涼瑛煌蒼陸",
        },
        left_out: "",
        order: "L F",
        streets: &[],
        towns: &[],
    },
    Described {
        countries: "CN",
        script: Script::EastAsian,
        accents: "",
        given: ZH_CN::NAME_FIRST_NAME,
        family: ZH_CN::NAME_LAST_NAME,
        signs: CHINESE,
        left_out: "",
        order: "LF",
        streets: &[],
        towns: &[],
    },
    Described {
        countries: "TW HK MO",
        script: Script::EastAsian,
        accents: "",
        given: ZH_TW::NAME_FIRST_NAME,
        family: ZH_TW::NAME_LAST_NAME,
        signs: CHINESE,
        left_out: "",
        order: "LF",
        streets: &[],
        towns: &[],
    },
    Described {
        countries: "IR",
        script: Script::Arabic,
        accents: "",
        given: FA_IR::NAME_FIRST_NAME,
        family: FA_IR::NAME_LAST_NAME,
        signs: Signs::Unknown,
        left_out: "",
        order: "F L",
        streets: &[],
        towns: &[],
    },
];
